import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';

const CONTEXT: StreamContext = { observedFrom: undefined, observedTo: undefined, firstLine: 1, attributes: {} };
const PACKET =
  'IN=ens4 OUT=veth1 MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=62 ID=7 DF PROTO=TCP SPT=1 DPT=2 WINDOW=64240 RES=0x00 SYN URGP=0 ';
const AT = 1_795_211_675_696_184;

function first(line: string, context: Partial<StreamContext> = {}) {
  return [...decodeStream('kernel-log', `${line}\n`, { ...CONTEXT, ...context })][0];
}

it.each([
  ['1795211675.696184 ', {}],
  ['1795211675.696184 node1 kernel: ', {}],
  ['1795211675.696184 node1 kernel: [12.300000] ', {}],
  ['1795211675.696184 node1 kernel: [12.3] ', {}],
  ['2026-11-20T21:54:35.696184+00:00 node1 kernel: [   12.300000] ', {}],
  ['2026-11-20T23:54:35,696184+02:00 ', {}],
  ['<4>1 2026-11-20T21:54:35.696184Z node1 kernel - - - ', {}],
  ['[ 1000.696184] ', { bootTime: '1795210675' }],
  ['<4>[ 1000.696184] ', { bootTime: '1795210675' }],
  ['kern  :warn  : [ 1000.696184] ', { bootTime: '1795210675' }],
  ['4,348,1000696184,-;', { bootTime: '1795210675' }],
])('takes the wrapping %p off', (wrapping, attributes) => {
  expect(first(`${wrapping}policy: [x] ${PACKET}`, { attributes })).toMatchObject({
    observedAt: AT,
    prefix: 'policy: [x] ',
  });
});

it.each([
  ['Nov 20 21:54:35 node1 kernel: ', { attributes: { year: '2026' } }],
  ['Nov 20 23:54:35 node1 kernel: [ 12.300000] ', { attributes: { year: '2026', timezone: 'Europe/Helsinki' } }],
  ['<4>Nov 20 21:54:35 node1 kernel: ', { observedFrom: AT }],
  ['[Fri Nov 20 21:54:35 2026] ', {}],
])('takes the wrapping %p off, to the second', (wrapping, context) => {
  expect(first(`${wrapping}${PACKET}`, context)).toMatchObject({ observedAt: AT - 696_184, prefix: '' });
});

it('finds the year that is nearest: December read in January', () => {
  const january = { observedFrom: Date.UTC(2027, 0, 1, 0, 5) * 1000 };
  expect(first(`Dec 31 23:59:00 n kernel: ${PACKET}`, january)).toMatchObject({
    observedAt: Date.UTC(2026, 11, 31, 23, 59) * 1000,
  });
});

it.each([
  ['a boot clock without boot time', `[ 1000.696184] ${PACKET}`, 'NO_TIME'],
  ['a date without year', `Nov 20 21:54:35 n kernel: ${PACKET}`, 'NO_TIME'],
  ['a day that no calendar has', `Feb 30 21:54:35 n kernel: ${PACKET}`, 'NO_TIME'],
  ['a line cut before the protocol', `1795211675.1 ${PACKET.slice(0, 70)}`, 'TRUNCATED'],
  ['a line cut inside TCP', `1795211675.1 ${PACKET.slice(0, PACKET.indexOf('URGP'))}`, 'TRUNCATED'],
  ['an address that is none', `1795211675.1 ${PACKET.replace('10.0.0.2', '10.0.0.256')}`, 'BAD_VALUE'],
  ['a line without a time', 'what is this', 'UNKNOWN_SYNTAX'],
])('refuses %s', (_, line, reason) => {
  expect(first(line)).toMatchObject({ kind: 'reject', reason, line: 1 });
});

it('passes over kernel messages that say nothing about packets', () => {
  expect(first('1795211675.1 n kernel: eth0: link becomes ready')).toBeUndefined();
});

it.each([
  ['nf_conntrack: nf_conntrack: table full, dropping packet', 'CONNTRACK_TABLE_FULL'],
  ['net_ratelimit: 12 callbacks suppressed', 'LOG_SUPPRESSED'],
  ['IPv4: martian source 10.0.0.1 from 10.0.0.2, on dev eth0', 'MARTIAN_SOURCE'],
])('understands "%s"', (message, notice) => {
  expect(first(`1795211675.1 n kernel: ${message}`)).toMatchObject({ kind: 'notice', notice });
});

it('splits the prefix at the IN= that belongs to the packet', () => {
  expect(first(`1795211675.1 DROPIN=${PACKET}`)).toMatchObject({ prefix: 'DROPIN=', inInterface: 'ens4' });
  expect(first(`1795211675.1 IN= x ${PACKET}`)).toMatchObject({ prefix: 'IN= x ', inInterface: 'ens4' });
});

it('does not take the packet inside an ICMP error for the packet', () => {
  const error = `${PACKET.slice(0, PACKET.indexOf('PROTO='))}PROTO=ICMP TYPE=3 CODE=4 [SRC=10.0.0.2 DST=10.0.0.1 LEN=60 PROTO=TCP INCOMPLETE [8 bytes] ] MTU=1500 `;
  expect(first(`1795211675.1 ${error}`)).toMatchObject({
    tuple: { protocol: 'ICMP', source: '10.0.0.1', icmp: { type: 3, code: 4, id: undefined }, sourcePort: undefined },
    length: 60,
  });
});

it('reads bytes of journald that are no text', () => {
  const bytes = [...Buffer.from(`x\u0001${PACKET}`)];
  expect(first(JSON.stringify({ MESSAGE: bytes, __REALTIME_TIMESTAMP: String(AT) }))).toMatchObject({
    prefix: 'x\u0001',
    observedAt: AT,
  });
});
