import { type CauseCase, ct, FREE, QUIET, unanswered } from './cause-scene.js';

const TO_FREE = { to: FREE };
const COUNTS = { ...TO_FREE, packets: ['packets=1 bytes=60', 'packets=1 bytes=40'] } as const;
const RESET = unanswered(TO_FREE) + ct(1.01, 'DESTROY', 'CLOSE', 'UNREPLIED', COUNTS);
const TCPEXT = (overflows: number) => `TcpExt: ListenOverflows ListenDrops\nTcpExt: ${overflows} ${overflows}\n`;

/** A request of 900 bytes in six packets; the answer is headers, or a page. */
function talked(state: string, answered: string, asked = 'packets=6 bytes=1260'): string {
  const packets = [asked, answered] as const;
  return (
    unanswered(TO_FREE) +
    ct(1.1, 'UPDATE', 'ESTABLISHED', 'ASSURED', TO_FREE) +
    ct(9, 'DESTROY', state, 'ASSURED', { ...TO_FREE, packets })
  );
}

/** Section D: the destination's side. */
export const DESTINATION_CASES: readonly CauseCase[] = [
  {
    code: 'PORT_CLOSED',
    story: 'the pod answers with RST, and no rule counts anything',
    finds: 'PORT_CLOSED failed observed',
    nodes: { n1: { conntrack: RESET }, n2: { ...QUIET, conntrack: RESET } },
  },
  {
    code: 'PORT_CLOSED',
    near: true,
    story: 'no RST comes back: the node let it through and the pod is silent',
    finds: 'UNDECIDED failed unknown',
    missing: 'listen queue',
    nodes: { n1: { conntrack: unanswered(TO_FREE) }, n2: { ...QUIET, conntrack: unanswered(TO_FREE, 1.1) } },
  },
  {
    code: 'LISTEN_OVERFLOW',
    story: 'the node let the SYN through and ListenOverflows rises',
    finds: 'LISTEN_OVERFLOW failed derived',
    nodes: {
      n1: { conntrack: unanswered(TO_FREE) },
      n2: { ...QUIET, conntrack: unanswered(TO_FREE, 1.1), counters: { 0: TCPEXT(2), 60: TCPEXT(5) } },
    },
  },
  {
    code: 'LISTEN_OVERFLOW',
    near: true,
    story: 'ListenOverflows rises, and this SYN was answered with RST',
    finds: 'PORT_CLOSED failed observed',
    nodes: { n1: { conntrack: RESET }, n2: { ...QUIET, conntrack: RESET, counters: { 0: TCPEXT(2), 60: TCPEXT(5) } } },
  },
  {
    code: 'APP_SLOW_OR_DEAD',
    story: 'the connection stands, the request goes out, no byte of an answer comes, the client resets it',
    finds: 'APP_SLOW_OR_DEAD failed derived',
    nodes: { n1: { conntrack: talked('CLOSE', 'packets=5 bytes=260') } },
  },
  {
    code: 'APP_SLOW_OR_DEAD',
    story: 'a request of 18 bytes and a reset after it, as the kernel counts them',
    finds: 'APP_SLOW_OR_DEAD failed derived',
    nodes: { n1: { conntrack: talked('CLOSE', 'packets=2 bytes=112', 'packets=4 bytes=234') } },
  },
  {
    code: 'APP_SLOW_OR_DEAD',
    near: true,
    story: 'no byte is sent, and the client resets it: a port that was only tried',
    finds: 'nothing',
    nodes: { n1: { conntrack: talked('CLOSE', 'packets=2 bytes=112', 'packets=4 bytes=216') } },
  },
  {
    code: 'APP_SLOW_OR_DEAD',
    near: true,
    story: 'data goes one way and the connection is closed in peace: a log that is shipped',
    finds: 'nothing',
    nodes: { n1: { conntrack: talked('TIME_WAIT', 'packets=5 bytes=260') } },
  },
  {
    code: 'POD_GONE',
    story: 'the address is of n2’s pods and belongs to none',
    finds: 'POD_GONE failed derived',
    nodes: { n1: { conntrack: unanswered({ to: '10.1.2.99' }) } },
  },
  {
    code: 'POD_GONE',
    near: true,
    story: 'the address is outside the cluster',
    finds: 'UNDECIDED unknown unknown',
    missing: 'not part of the cluster',
    nodes: { n1: { conntrack: unanswered({ to: '203.0.113.9' }) } },
  },
];
