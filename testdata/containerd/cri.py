"""Calls containerd as a kubelet does (CRI, runtime.v1): the few messages that are needed, packed by hand.

cri.py run NAME HOSTPORT:PORT/PROTOCOL…   starts a pod and prints its id
cri.py addresses ID                       prints its addresses, one on a line
cri.py stop ID | cri.py remove ID
"""
import sys

import grpc

SOCKET = "unix:///run/containerd/containerd.sock"


def number(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(tag, value):
    """A number, a text, or the bytes of a message."""
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    if isinstance(value, str):
        value = value.encode()
    return number(tag << 3 | 2) + number(len(value)) + value


def fields(data):
    """The fields of a message, as pairs of tag and value."""
    position = 0

    def take():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        key = take()
        if key & 7 == 0:
            yield key >> 3, take()
        elif key & 7 == 2:
            length = take()
            yield key >> 3, data[position:position + length]
            position += length
        else:
            position += 8 if key & 7 == 1 else 4


def first(data, tag):
    return next((value for found, value in fields(data) if found == tag), b"")


def call(method, request):
    with grpc.insecure_channel(SOCKET) as channel:
        rpc = channel.unary_unary("/runtime.v1.RuntimeService/" + method)
        try:
            return rpc(request, timeout=60)
        except grpc.RpcError as error:
            sys.exit(f"{method}: {error.details()}")


def run(name, ports):
    metadata = field(1, name) + field(2, name + "-uid") + field(3, "default") + field(4, 0)
    sandbox = field(1, metadata) + field(2, name) + field(3, "/run/pods")
    for text in ports:
        host, _, rest = text.partition(":")
        port, _, protocol = rest.partition("/")
        kind = {"tcp": 0, "udp": 1, "sctp": 2}[protocol or "tcp"]
        sandbox += field(5, field(1, kind) + field(2, int(port)) + field(3, int(host)))
    print(first(call("RunPodSandbox", field(1, sandbox)), 1).decode())


def addresses(identifier):
    status = first(call("PodSandboxStatus", field(1, identifier)), 1)
    network = first(status, 5)
    print(first(network, 1).decode())
    for tag, value in fields(network):
        if tag == 2:
            print(first(value, 1).decode())


command, subject, *rest = sys.argv[1:]
if command == "run":
    run(subject, rest)
elif command == "addresses":
    addresses(subject)
else:
    call({"stop": "StopPodSandbox", "remove": "RemovePodSandbox"}[command], field(1, subject))
