"""Tells a neighbour by ICMPv6 that this link's hardware address is that of TARGET, from an address of its own.

usage: advertise.py LINK SOURCE TARGET NEIGHBOUR
"""

import socket
import struct
import sys

link, source, target, neighbour = sys.argv[1:]
ADVERTISEMENT, OVERRIDE, TARGET_LINK_ADDRESS = 136, 0x20000000, 2

with open(f"/sys/class/net/{link}/address") as file:
    mac = bytes.fromhex(file.read().strip().replace(":", ""))
with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as telling:
    # Advertisements that have passed a router do not count.
    telling.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
    telling.bind((source, 0))
    # The kernel fills in the checksum.
    head = struct.pack("!BBHI", ADVERTISEMENT, 0, 0, OVERRIDE) + socket.inet_pton(socket.AF_INET6, target)
    telling.sendto(head + struct.pack("!BB", TARGET_LINK_ADDRESS, 1) + mac, (neighbour, 0))
