"""Gives the netlink sockets of a running process a larger receive buffer: rcvbuf.py PID BYTES

xtables-monitor has no option for it and ends when the kernel's messages overflow the default of 208 KiB.
"""
import ctypes
import os
import socket
import sys

PIDFD_OPEN, PIDFD_GETFD = 434, 438
SO_RCVBUFFORCE = 33

pid, size = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
process = libc.syscall(PIDFD_OPEN, pid, 0)
if process < 0:
    sys.exit(f'pidfd_open: {os.strerror(ctypes.get_errno())}')
changed = 0
for name in os.listdir(f'/proc/{pid}/fd'):
    if not os.readlink(f'/proc/{pid}/fd/{name}').startswith('socket:'):
        continue
    copy = libc.syscall(PIDFD_GETFD, process, int(name), 0)
    if copy < 0:
        sys.exit(f'pidfd_getfd: {os.strerror(ctypes.get_errno())}')
    with socket.socket(fileno=copy) as same:
        if same.family == socket.AF_NETLINK:
            same.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
            changed += 1
if changed == 0:
    sys.exit('no netlink socket yet')
