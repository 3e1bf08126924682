"""Asks by ARP who has an address, with any sender address; prints "answered" or "silence".

usage: arp.py LINK SENDER TARGET
"""

import socket
import struct
import sys

link, sender, target = sys.argv[1], socket.inet_aton(sys.argv[2]), socket.inet_aton(sys.argv[3])
ARP, REQUEST, REPLY = 0x0806, 1, 2

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP)) as asking:
    asking.bind((link, ARP))
    asking.settimeout(0.5)
    own = asking.getsockname()[4]
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, REQUEST)
    asking.send(b"\xff" * 6 + own + struct.pack("!H", ARP) + head + own + sender + bytes(6) + target)
    try:
        # Others ask as well meanwhile: only an answer to this question counts.
        while True:
            packet = asking.recv(4096)[14:]
            if struct.unpack("!H", packet[6:8])[0] == REPLY and packet[14:18] == target and packet[24:28] == sender:
                print("answered")
                break
    except TimeoutError:
        print("silence")
