"""Traffic of one network namespace: listens, connects and sends what it is told on stdin, one JSON object per line.

Answers come on stdout, one JSON object per line with the id of the request. The local port is chosen by the kernel
at bind time, so that it is known even when the connection is never answered.
"""
import json
import os
import socket
import struct
import sys
import threading
import time

LOCK = threading.Lock()
KEPT = []
HELD = {}
FLAGS = {'FIN': 1, 'SYN': 2, 'RST': 4, 'PSH': 8, 'ACK': 16}


def answer(request, **fields):
    with LOCK:
        sys.stdout.write(json.dumps({'id': request['id'], **fields}) + '\n')
        sys.stdout.flush()


def result_of(error):
    if isinstance(error, TimeoutError):
        return 'timeout'
    if isinstance(error, ConnectionRefusedError):
        return 'refused'
    if isinstance(error, ConnectionResetError):
        return 'reset'
    return 'unreachable'


def serve_tcp(server, handle):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=handle, args=(connection,), daemon=True).start()


def ignore(connection):
    with connection:
        time.sleep(60)


def greet(connection):
    with connection:
        connection.settimeout(30)
        try:
            if connection.recv(4096):
                connection.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n')
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)
        except OSError:
            pass


def serve_udp(server, manner):
    while True:
        data, peer = server.recvfrom(4096)
        if manner == 'late':
            time.sleep(1)
        if manner != 'silent':
            server.sendto(data, peer)


def listen(request):
    manner = request.get('manner')
    if request['protocol'] == 'UDP':
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(('', request['port']))
        threading.Thread(target=serve_udp, args=(server, manner), daemon=True).start()
    else:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(('', request['port']))
        server.listen(0 if manner == 'full' else 64)
        KEPT.append(server)
        if manner != 'full':
            handle = ignore if manner == 'silent' else greet
            threading.Thread(target=serve_tcp, args=(server, handle), daemon=True).start()
    answer(request, result='listening')


def hold(request):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.bind(('', request.get('sourcePort', 0)))
    port = client.getsockname()[1]
    client.settimeout(request['timeout'])
    at = time.time()
    try:
        client.connect((request['to'], request['port']))
        HELD[port] = client
        outcome = 'connected'
    except OSError as error:
        outcome = result_of(error)
    answer(request, result=outcome, sourcePort=port, at=at, until=time.time())


def resume(request):
    client = HELD[request['sourcePort']]
    client.settimeout(request['timeout'])
    at = time.time()
    try:
        client.sendall(b'GET / HTTP/1.0\r\n\r\n')
        outcome = 'answered' if client.recv(4096) else 'reset'
    except OSError as error:
        outcome = result_of(error)
    answer(request, result=outcome, sourcePort=request['sourcePort'], at=at, until=time.time())


def tcp(request):
    if 'connection' in request:
        return hold(request) if request['connection'] == 'hold' else resume(request)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.bind(('', request.get('sourcePort', 0)))
        port = client.getsockname()[1]
        client.settimeout(request['timeout'])
        at = time.time()
        try:
            client.connect((request['to'], request['port']))
            client.settimeout(5)
            client.sendall(b'GET / HTTP/1.0\r\n\r\n')
            while client.recv(4096):
                pass
            outcome = 'connected'
        except OSError as error:
            outcome = result_of(error)
            # Who gives up does not wait for the other side's close: a reset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    answer(request, result=outcome, sourcePort=port, at=at, until=time.time())


def udp(request):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(('', request.get('sourcePort', 0)))
        port = client.getsockname()[1]
        client.settimeout(request['timeout'])
        at = time.time()
        try:
            client.connect((request['to'], request['port']))
            client.send(b'hello')
            client.recv(4096)
            outcome = 'answered'
        except OSError as error:
            outcome = result_of(error)
    answer(request, result=outcome, sourcePort=port, at=at, until=time.time())


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def icmp(request):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as client:
        echo_id = request.get('sourcePort') or int.from_bytes(os.urandom(2), 'big') | 1
        packet = struct.pack('!BBHHH', 8, 0, 0, echo_id, 1) + b'whydrop lab echo' * 3 + b'12345678'
        packet = packet[:2] + struct.pack('!H', checksum(packet)) + packet[4:]
        at = time.time()
        outcome = 'timeout'
        try:
            client.connect((request['to'], 0))
            client.send(packet)
            while outcome == 'timeout' and time.time() < at + request['timeout']:
                client.settimeout(max(0.01, at + request['timeout'] - time.time()))
                reply = client.recv(4096)
                body = reply[(reply[0] & 15) * 4:]
                if body[0] == 0 and struct.unpack('!H', body[4:6])[0] == echo_id:
                    outcome = 'answered'
        except OSError as error:
            outcome = result_of(error)
    answer(request, result=outcome, sourcePort=echo_id, at=at, until=time.time())


def segment(request):
    """One TCP segment without a connection: what a late or forged packet looks like."""
    port = request.get('sourcePort') or 40000 + int.from_bytes(os.urandom(2), 'big') % 20000
    flags = sum(FLAGS[name] for name in request['flags'])
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as client:
        at = time.time()
        outcome = 'sent'
        try:
            client.connect((request['to'], 0))
            source = socket.inet_aton(client.getsockname()[0])
            header = struct.pack('!HHIIBBHHH', port, request['port'], 1000, 2000, 80, flags, 64240, 0, 0)
            pseudo = source + socket.inet_aton(request['to']) + struct.pack('!BBH', 0, 6, len(header))
            header = header[:16] + struct.pack('!H', checksum(pseudo + header)) + header[18:]
            client.send(header)
        except OSError as error:
            outcome = result_of(error)
    answer(request, result=outcome, sourcePort=port, at=at, until=time.time())


KINDS = {'listen': listen, 'tcp': tcp, 'udp': udp, 'icmp': icmp, 'segment': segment}


def perform(request):
    try:
        KINDS[request['kind']](request)
    except Exception as error:  # the other end waits for an answer
        answer(request, result='error', error=repr(error))


for line in sys.stdin:
    threading.Thread(target=perform, args=(json.loads(line),), daemon=True).start()
