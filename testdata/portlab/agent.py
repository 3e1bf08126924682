"""Serves and asks in the network namespaces of a lab: all of them, both families, TCP, UDP and SCTP, in one process.

usage: agent.py SOCKET

Returns when SOCKET, a Unix socket, takes a connection; a child lives on until that connection ends. Requests and answers
are JSON objects, one a line:

    {"serve": NAMESPACE, "name": TEXT, "listen": [[PROTOCOL, ADDRESS, PORT], …]}    ADDRESS "" stands for all addresses
    {"leave": NAMESPACE}                        ends the servers there
    {"ask": [{"namespace": …, "protocol": …, "address": …, "port": …, "timeout": SECONDS,
              "sourceAddress": …, "sourcePort": …}, …]}    all of them at once

Every server answers with who it is and what it saw: {"name", "address", "port", "source", "sourcePort"}.
"""

import ctypes
import json
import os
import selectors
import socket
import sys
import threading

import sctp

LIBC = ctypes.CDLL(None, use_errno=True)
TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "sctp": socket.SOCK_RAW}


def enter(namespace):
    """Moves this thread, and no other, into a network namespace."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.setns(descriptor, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns " + namespace)
    finally:
        os.close(descriptor)


def make_socket(protocol, family):
    made = socket.socket(family, TYPES[protocol], sctp.PROTOCOL if protocol == "sctp" else 0)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6 and protocol != "sctp":
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


def families(address):
    if address == "":
        return [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
    return [(socket.AF_INET6 if ":" in address else socket.AF_INET, address)]


class Server:
    """One listening socket. What it answers carries the address at which it was asked."""

    def __init__(self, namespace, name, protocol, family, address, port):
        self.namespace, self.name, self.protocol, self.port = namespace, name, protocol, port
        self.socket = make_socket(protocol, family)
        self.socket.setblocking(False)
        if protocol != "tcp":
            # To learn at which address it was asked, and to answer from there.
            if family == socket.AF_INET:
                self.socket.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
            else:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self.socket.bind((address, 0 if protocol == "sctp" else port))
        if protocol == "tcp":
            self.socket.listen(128)

    def text(self, address, port, source, source_port):
        answer = {"name": self.name, "address": address, "port": port, "source": source, "sourcePort": source_port}
        return json.dumps(answer).encode()

    def ready(self):
        try:
            if self.protocol == "tcp":
                connection, peer = self.socket.accept()
                local = connection.getsockname()
                connection.sendall(self.text(local[0], local[1], peer[0], peer[1]))
                connection.close()
                return
            data, ancillary, _, peer = self.socket.recvmsg(4096, 256)
            address, ancillary = self.asked_at(ancillary)
            if self.protocol == "udp":
                self.socket.sendmsg([self.text(address, self.port, peer[0], peer[1])], ancillary, 0, peer)
                return
            if self.socket.family == socket.AF_INET:
                data = data[(data[0] & 15) * 4 :]
            request = sctp.read(data, sctp.INIT)
            if request and request.destination_port == self.port:
                text = self.text(address, self.port, peer[0], request.source_port)
                self.socket.sendmsg([sctp.acknowledgement(request, text)], ancillary, 0, (peer[0], 0))
        except OSError:
            pass  # whoever asked has gone

    def asked_at(self, ancillary):
        for level, kind, data in ancillary:
            if level == socket.IPPROTO_IP and kind == 8:
                # struct in_pktinfo: the link, the address to answer from, the address in the header.
                return socket.inet_ntoa(data[8:12]), [(level, kind, bytes(4) + data[4:8] + bytes(4))]
            if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                return socket.inet_ntop(socket.AF_INET6, data[:16]), [(level, kind, data[:16] + bytes(4))]
        return "", []


class Servers:
    """All servers of the lab, in one thread."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        threading.Thread(target=self.run, daemon=True).start()

    def serve(self, namespace, name, listen):
        enter(namespace)
        for protocol, address, port in listen:
            for family, numeric in families(address):
                server = Server(namespace, name, protocol, family, numeric, port)
                self.selector.register(server.socket, selectors.EVENT_READ, server)

    def leave(self, namespace):
        for key in list(self.selector.get_map().values()):
            if key.data.namespace == namespace:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()

    def run(self):
        while True:
            # A socket that is registered meanwhile is waited for as well.
            for key, _ in self.selector.select():
                key.data.ready()


def ask(question):
    """The answer of whoever answers, or {"error": …}."""
    try:
        enter(question["namespace"])
        protocol, address, port = question["protocol"], question["address"], question["port"]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with make_socket(protocol, family) as asking:
            asking.settimeout(question["timeout"])
            source_port = question.get("sourcePort", 0)
            any_address = "::" if family == socket.AF_INET6 else "0.0.0.0"
            source = question.get("sourceAddress", any_address)
            if protocol == "sctp":
                asking.bind((source, 0))
                return json.loads(sctp.ask(asking, address, port, source_port, question["timeout"]))
            asking.bind((source, source_port))
            asking.connect((address, port))
            if protocol == "udp":
                asking.send(b"who is there?")
                return json.loads(asking.recv(4096))
            text = b""
            while part := asking.recv(4096):
                text += part
            return json.loads(text)
    except (OSError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def ask_all(questions):
    answers = [None] * len(questions)

    def one(number):
        answers[number] = ask(questions[number])

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def main():
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(sys.argv[1])
    listening.listen(1)
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    listening.settimeout(30)
    connection, _ = listening.accept()
    connection.settimeout(None)
    servers = Servers()
    lines = connection.makefile("rw")
    # The end of the connection, however the test ends, is the end of this process.
    for line in lines:
        request = json.loads(line)
        try:
            if "serve" in request:
                servers.serve(request["serve"], request["name"], request["listen"])
                answer = {}
            elif "leave" in request:
                servers.leave(request["leave"])
                answer = {}
            else:
                answer = {"answers": ask_all(request["ask"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        lines.write(json.dumps(answer) + "\n")
        lines.flush()


main()
