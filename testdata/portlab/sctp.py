"""As much of SCTP (RFC 9260) as a question and an answer need: an INIT, and an INIT ACK whose cookie is the answer.

Kernels without SCTP sockets translate and track SCTP all the same, so the packets go through raw sockets.
"""

import random
import socket
import struct
import time
from collections import namedtuple

PROTOCOL = 132
INIT, INIT_ACK = 1, 2
STATE_COOKIE = 7

Packet = namedtuple("Packet", "source_port destination_port initiate_tag cookie")


def _table():
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        yield value


CRC32C = list(_table())


def checksum(data):
    """CRC32c, as the packet carries it."""
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ CRC32C[(value ^ byte) & 0xFF]
    return struct.pack("<I", value ^ 0xFFFFFFFF)


def packet(source_port, destination_port, tag, kind, initiate_tag, parameters=b""):
    ports = struct.pack("!HHI", source_port, destination_port, tag)
    # Receiver window, streams out and in, first sequence number.
    chunk = struct.pack("!BBHIIHHI", kind, 0, 20 + len(parameters), initiate_tag, 65536, 1, 1, initiate_tag)
    rest = chunk + parameters + bytes(-len(parameters) % 4)
    return ports + checksum(ports + bytes(4) + rest) + rest


def acknowledgement(request, text):
    cookie = struct.pack("!HH", STATE_COOKIE, 4 + len(text)) + text
    tag = random.getrandbits(32) | 1
    return packet(request.destination_port, request.source_port, request.initiate_tag, INIT_ACK, tag, cookie)


def read(data, kind):
    """The packet, where its first chunk is of that kind and its checksum is right."""
    if len(data) < 32 or data[12] != kind or checksum(data[:8] + bytes(4) + data[12:]) != data[8:12]:
        return None
    source_port, destination_port = struct.unpack("!HH", data[:4])
    cookie = b""
    if kind == INIT_ACK and len(data) > 36 and data[32:34] == struct.pack("!H", STATE_COOKIE):
        cookie = data[36 : 32 + struct.unpack("!H", data[34:36])[0]]
    return Packet(source_port, destination_port, struct.unpack("!I", data[16:20])[0], cookie)


def ask(asking, address, port, source_port, timeout):
    """Sends one INIT and returns the text of the answer; `asking` is a raw socket."""
    source_port = source_port or random.randrange(32768, 61000)
    # A tag that differs from the port's last one, as that of every new association.
    asking.sendto(packet(source_port, port, 0, INIT, random.getrandbits(32) | 1), (address, 0))
    end = time.monotonic() + timeout
    while True:
        asking.settimeout(max(end - time.monotonic(), 0.001))
        data, _ = asking.recvfrom(4096)
        if asking.family == socket.AF_INET:
            data = data[(data[0] & 15) * 4 :]
        answer = read(data, INIT_ACK)
        if answer and answer.destination_port == source_port and answer.source_port == port:
            return answer.cookie
