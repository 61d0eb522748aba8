import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';

const CONTEXT: StreamContext = { observedFrom: undefined, observedTo: undefined, firstLine: 1, attributes: {} };
const PACKET = {
  'oob.time.sec': 1_795_214_415,
  'oob.time.usec': 629_546,
  'oob.prefix': 'a ',
  'oob.hook': 3,
  'ip.protocol': 6,
  src_ip: '10.0.0.1',
  dest_ip: '10.0.0.2',
  src_port: 1,
  dest_port: 2,
  'oob.in': '',
  'oob.out': 'eth0',
  'tcp.syn': 1,
  'tcp.ack': 0,
  'tcp.seq': 77,
};

function json(change: Record<string, unknown>) {
  return [...decodeStream('nflog-json', JSON.stringify({ ...PACKET, ...change }), CONTEXT)][0];
}

function gprint(line: string) {
  return [...decodeStream('nflog-gprint', line, CONTEXT)][0];
}

it('keeps the trailing blank of the prefix, and no empty interface', () => {
  expect(json({})).toMatchObject({
    prefix: 'a ',
    hook: 'OUTPUT',
    inInterface: undefined,
    outInterface: 'eth0',
    tcpFlags: ['SYN'],
    tcpSequence: 77,
    observedAt: 1_795_214_415_629_546,
  });
});

it.each([
  ['no time', { 'oob.time.sec': undefined }, 'NO_TIME'],
  ['no address', { src_ip: undefined }, 'MISSING_FIELD'],
  ['an address that is none', { src_ip: '10.0.0' }, 'BAD_VALUE'],
  ['no protocol', { 'ip.protocol': 'tcp' }, 'MISSING_FIELD'],
])('refuses %s', (_, change, reason) => {
  expect(json(change)).toMatchObject({ kind: 'reject', reason });
});

it('takes the written time as UTC where the kernel gave none', () => {
  expect(json({ 'oob.time.sec': undefined, timestamp: '2026-11-20T22:40:15.629546' })).toMatchObject({
    observedAt: 1_795_214_415_629_546,
  });
  expect(
    gprint('timestamp=2026/11/20-22:40:16,ip.protocol=17,ip.saddr.str=10.0.0.1,ip.daddr.str=10.0.0.2'),
  ).toMatchObject({ observedAt: 1_795_214_416_000_000 });
});

it('says when a line was cut', () => {
  expect([...decodeStream('nflog-json', '{"oob.prefix": "x', CONTEXT)]).toMatchObject([
    { reason: 'TRUNCATED', line: 1 },
  ]);
});

it('puts a prefix with commas together again', () => {
  const line =
    'timestamp=2026/11/20-22:40:16,oob.prefix=deny, all=of,it ,oob.time.sec=1795214415,oob.time.usec=5,ip.protocol=6,ip.saddr.str=10.0.0.1,ip.daddr.str=10.0.0.2,tcp.sport=1,tcp.dport=2';
  expect(gprint(line)).toMatchObject({
    prefix: 'deny, all=of,it ',
    tuple: { destinationPort: 2 },
    observedAt: 1_795_214_415_000_005,
  });
});

it.each([
  ['inside a port', 'tcp.sport=41001,tcp.dport=54'],
  [
    'inside the repeated address',
    'tcp.sport=41001,tcp.dport=5432,tcp.seq=1,ip.saddr.str=10.244.1.10,ip.daddr.str=10.244.2.2',
  ],
  ['before the destination', 'tcp.sport=41001,tcp.dport=5432,tcp.seq=1,ip.saddr.str=10.244.1.10'],
])('refuses a last line that was cut %s', (_, end) => {
  const begin =
    'oob.prefix=x,oob.time.sec=1795214415,oob.time.usec=5,oob.family=2,ip.saddr=10.244.1.10,ip.daddr=10.244.2.20,ip.protocol=6,';
  expect(gprint(begin + end)).toMatchObject({ kind: 'reject', reason: 'TRUNCATED' });
  expect(
    gprint(`${begin}tcp.sport=41001,tcp.dport=5432,tcp.seq=1,ip.saddr.str=10.244.1.10,ip.daddr.str=10.244.2.20`),
  ).toMatchObject({ kind: 'packet' });
});

it('does not believe the garbled IPv6 address of GPRINT', () => {
  const line =
    'oob.time.sec=1795214415,ip.saddr=253.0.0.16,ip.daddr=253.0.0.16,ip.protocol=58,icmpv6.type=128,icmpv6.code=0,icmpv6.echoid=5,ip6.payloadlen=64,ip.saddr.str=fd00:0:0::10,ip.daddr.str=fd00::20';
  expect(gprint(line)).toMatchObject({
    tuple: { protocol: 'ICMPv6', source: 'fd00::10', icmp: { type: 128, id: 5 } },
    length: 104,
  });
});
