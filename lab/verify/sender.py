"""Puts ready-made packets on the wire: `IFACE HEX` sends an Ethernet frame, `- HEX` an IP packet of this host."""
import socket
import sys

frames = {}
families = {4: (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW), 6: (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)}
local = {}


def send(name, data):
    if name != '-':
        if name not in frames:
            frames[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            frames[name].bind((name, 0))
        frames[name].send(data)
        return
    version = data[0] >> 4
    if version not in local:
        local[version] = socket.socket(*families[version])
    target = socket.inet_ntop(socket.AF_INET, data[16:20]) if version == 4 else socket.inet_ntop(socket.AF_INET6, data[24:40])
    local[version].sendto(data, (target, 0))


for line in sys.stdin:
    number, name, text = line.split()
    try:
        send(name, bytes.fromhex(text))
        print(number, 'sent', flush=True)
    except OSError as error:
        print(number, error.errno, flush=True)
