import type { FlowObservation, Reject } from '@whydrop/model';
import fc from 'fast-check';
import { decodeStream } from '../registry.js';
import type { Decoded } from '../observation.js';
import type { StreamContext } from '../decoder.js';

const CONTEXT: StreamContext = { observedFrom: undefined, observedTo: undefined, firstLine: 1, attributes: {} };
const NEW =
  '[1795214415.576068]\t    [NEW] tcp      6 120 SYN_SENT src=10.244.1.10 dst=10.96.0.10 sport=41003 dport=80 [UNREPLIED] src=10.244.2.20 dst=10.244.1.10 sport=8080 dport=41003';

function events(payload: string, context: Partial<StreamContext> = {}): Decoded[] {
  return [...decodeStream('conntrack-events', payload, { ...CONTEXT, ...context })];
}

function flow(line: string): FlowObservation {
  const [first] = events(`${line}\n`);
  if (first?.kind !== 'flow') throw new Error(JSON.stringify(first));
  return first;
}

function refused(line: string): Pick<Reject, 'reason' | 'line'> {
  const [first] = events(line);
  if (first?.kind !== 'reject')
    throw new Error(JSON.stringify(first, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v)));
  return { reason: first.reason, line: first.line };
}

it('keeps both tuples apart, so that DNAT shows', () => {
  const { original, reply, observedAt, unreplied, state, timeout } = flow(NEW);
  expect(original).toMatchObject({ destination: '10.96.0.10', destinationPort: 80 });
  expect(reply).toMatchObject({ source: '10.244.2.20', sourcePort: 8080, destinationPort: 41003 });
  expect({ observedAt, unreplied, state, timeout }).toEqual({
    observedAt: 1_795_214_415_576_068,
    unreplied: true,
    state: 'SYN_SENT',
    timeout: 120,
  });
});

it('tells the two ids of an echo from the id of the entry', () => {
  const echo = flow(
    '[1795214420.195139]\t    [NEW] ipv4     2 icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7714 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7714 id=2988235600',
  );
  expect(echo.original.icmp).toEqual({ type: 8, code: 0, id: 7714 });
  expect(echo.reply.icmp).toEqual({ type: 0, code: 0, id: 7714 });
  expect(echo.id).toBe(2_988_235_600);
});

it.each([
  [
    'udp expiry without timeout',
    '[DESTROY] udp      17 src=10.0.0.1 dst=10.0.0.2 sport=4 dport=5 packets=1 bytes=32 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=5 dport=4 packets=0 bytes=0',
    { protocol: 'UDP', timeout: undefined, state: undefined },
  ],
  [
    'tcp expiry without timeout',
    '[DESTROY] tcp      6 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=4 dport=5 src=10.0.0.2 dst=10.0.0.1 sport=5 dport=4',
    { protocol: 'TCP', timeout: undefined, state: 'TIME_WAIT' },
  ],
  [
    'sctp',
    '[NEW] sctp     132 10 COOKIE_WAIT src=10.0.0.1 dst=10.0.0.2 sport=4 dport=5 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=5 dport=4',
    { protocol: 'SCTP', timeout: 10, state: 'COOKIE_WAIT' },
  ],
  [
    'gre with keys',
    '[NEW] gre      47 30 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x1 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x1 dstkey=0x0',
    { protocol: 'GRE', timeout: 30, state: undefined },
  ],
  [
    'unknown protocol',
    '[NEW] unknown  2 600 src=10.0.0.1 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=10.0.0.1',
    { protocol: 'IP-2', timeout: 600, state: undefined },
  ],
])('reads %s', (_, line, wanted) => {
  const { original, timeout, state } = flow(`[1795214420.000001]\t ${line}`);
  expect({ protocol: original.protocol, timeout, state }).toEqual(wanted);
});

it('reads mark, zone, labels and kernel times, in the zone of the node', () => {
  const line =
    '[1795214420.000001]\t[DESTROY] ipv4     2 tcp      6 120 CLOSE src=10.0.0.1 dst=10.0.0.2 sport=4 dport=5 packets=18446744073709551615 bytes=60 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=5 dport=4 packets=1 bytes=40 [ASSURED] [OFFLOAD] mark=6699 zone=7 labels=web,db delta-time=3 [start=Fri Nov 20 22:40:20 2026] [stop=Fri Nov 20 22:40:23 2026] id=9';
  const [first] = events(`${line}\n`, { attributes: { timezone: '+02:00' } });
  expect(first).toMatchObject({
    mark: 6699,
    zone: 7,
    id: 9,
    assured: true,
    originalCounters: { packets: 18_446_744_073_709_551_615n, bytes: 60n },
    startedAt: Date.UTC(2026, 10, 20, 20, 40, 20) * 1000,
    stoppedAt: Date.UTC(2026, 10, 20, 20, 40, 23) * 1000,
  });
});

it.each([
  ['cut before the reply', NEW.slice(0, NEW.indexOf(' [UNREPLIED]')), 'TRUNCATED'],
  ['cut inside an address key', NEW.slice(0, NEW.lastIndexOf('src=') + 2), 'TRUNCATED'],
  ['cut before the reply ports', NEW.slice(0, NEW.lastIndexOf(' sport=')), 'TRUNCATED'],
  ['cut inside brackets', NEW.slice(0, NEW.indexOf('UNREPLIED') + 3), 'TRUNCATED'],
  ['cut inside the last port', NEW.slice(0, -2), 'TRUNCATED'],
  [
    'cut inside the last id',
    '[1795214420.000004]\t    [NEW] icmp     1 30 src=10.0.0.1 dst=10.0.1.2 type=8 code=0 id=7714 [UNREPLIED] src=10.0.1.2 dst=10.0.0.1 type=0 code=0 id=77',
    'TRUNCATED',
  ],
  [
    'cut before the last id',
    '[1795214420.000004]\t    [NEW] icmp     1 30 src=10.0.0.1 dst=10.0.1.2 type=8 code=0 id=7714 [UNREPLIED] src=10.0.1.2 dst=10.0.0.1 type=0 code=0',
    'TRUNCATED',
  ],
  ['cut inside the time stamp', NEW.slice(0, 9), 'TRUNCATED'],
  ['cut after the protocol name', '[1795214415.576068]\t    [NEW] tcp', 'TRUNCATED'],
  ['a port that is none', NEW.replace('dport=80', 'dport=80800'), 'BAD_VALUE'],
  ['a port of letters', NEW.replace('dport=80', 'dport=http'), 'BAD_VALUE'],
  ['an address that is none', NEW.replace('10.96.0.10', '10.96.0.300'), 'BAD_VALUE'],
  ['a word where a pair should be', NEW.replace('dst=10.96.0.10', 'nonsense'), 'UNKNOWN_SYNTAX'],
  ['no event type', NEW.replace('    [NEW] ', ''), 'UNKNOWN_SYNTAX'],
  ['no time at all', NEW.slice(NEW.indexOf('[NEW]')), 'NO_TIME'],
  ['something else', 'connection tracking is fun', 'UNKNOWN_SYNTAX'],
])('refuses %s', (_, line, reason) => {
  expect(refused(line)).toEqual({ reason, line: 1 });
});

it('numbers lines from where the payload begins in its file, and goes on after a bad line', () => {
  const answers = events(`${NEW}\n\nnonsense\n${NEW}\n`, { firstLine: 41 });
  expect(answers.map((answer) => [answer.kind, 'line' in answer ? answer.line : 0])).toEqual([
    ['flow', 41],
    ['reject', 43],
    ['flow', 44],
  ]);
});

it('says where events were lost, and passes over the tool’s other remarks', () => {
  const chatter =
    'WARNING: We have hit ENOBUFS! We are losing events.\nThis message means that the current netlink socket buffer size is too small.\nPlease, check --buffer-size in conntrack(8) manpage.\nconntrack v1.4.7 (conntrack-tools): 10 flow entries have been shown.\n';
  const answers = events(`${NEW}\n${chatter}`);
  expect(answers.map((answer) => answer.kind)).toEqual(['flow', 'notice']);
  expect(answers[1]).toMatchObject({ notice: 'EVENTS_LOST', observedAt: 1_795_214_415_576_068, line: 2 });
});

it('spells addresses of /proc as conntrack does', () => {
  const proc =
    'ipv6     10 udp      17 27 src=fd00:0010:0244:0001:0000:0000:0000:0010 dst=fd00:0010:0244:0002:0000:0000:0000:0020 sport=41012 dport=5353 packets=1 bytes=52 [UNREPLIED] src=fd00:0010:0244:0002:0000:0000:0000:0020 dst=fd00:0010:0244:0001:0000:0000:0000:0010 sport=5353 dport=41012 packets=0 bytes=0 mark=0 zone=0 delta-time=2 use=2\n';
  const [entry] = decodeStream('conntrack-dump', proc, { ...CONTEXT, observedFrom: 5 });
  expect(entry).toMatchObject({
    observedAt: 5,
    event: 'entry',
    original: { source: 'fd00:10:244:1::10', destination: 'fd00:10:244:2::20' },
    zone: undefined,
  });
});

const port = fc.integer({ min: 0, max: 65_535 });
const end = fc.record({ ip: fc.ipV4(), port });
const written = fc.record({
  event: fc.constantFrom('new', 'update', 'destroy'),
  micros: fc.integer({ min: 0, max: 2_000_000_000_000_000 }),
  protocol: fc.constantFrom(
    { name: 'tcp', number: 6, ours: 'TCP' },
    { name: 'udp', number: 17, ours: 'UDP' },
    { name: 'sctp', number: 132, ours: 'SCTP' },
  ),
  timeout: fc.option(fc.integer({ min: 0, max: 432_000 }), { nil: undefined }),
  state: fc.option(fc.constantFrom('SYN_SENT', 'ESTABLISHED', 'COOKIE_WAIT'), { nil: undefined }),
  client: end,
  asked: end,
  server: end,
  seen: end,
  counters: fc.option(
    fc.record({
      packets: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      bytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
    { nil: undefined },
  ),
  unreplied: fc.boolean(),
  assured: fc.boolean(),
  mark: fc.option(fc.integer({ min: 0, max: 4_294_967_295 }), { nil: undefined }),
  id: fc.option(fc.integer({ min: 0, max: 4_294_967_295 }), { nil: undefined }),
  extended: fc.boolean(),
});

function stampOf(micros: number): string {
  return `[${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}]\t`;
}

/** As the tool prints it (`snprintf_default.c`). */
function write(flow: typeof written extends fc.Arbitrary<infer T> ? T : never): string {
  const { client, asked, server, seen, protocol, counters } = flow;
  const count = counters ? `packets=${counters.packets} bytes=${counters.bytes} ` : '';
  const head = `${`[${flow.event.toUpperCase()}]`.padStart(9)} ${flow.extended ? 'ipv4     2 ' : ''}${protocol.name.padEnd(8)} ${protocol.number} `;
  const original = `src=${client.ip} dst=${asked.ip} sport=${client.port} dport=${asked.port} ${count}`;
  const reply = `src=${server.ip} dst=${seen.ip} sport=${server.port} dport=${seen.port} ${count}`;
  const tail = `${flow.assured ? '[ASSURED] ' : ''}${flow.mark === undefined ? '' : `mark=${flow.mark} `}${flow.id === undefined ? '' : `id=${flow.id}`}`;
  const middle = `${flow.timeout === undefined ? '' : `${flow.timeout} `}${flow.state === undefined ? '' : `${flow.state} `}`;
  return `${stampOf(flow.micros)}${head}${middle}${original}${flow.unreplied ? '[UNREPLIED] ' : ''}${reply}${tail}`.trimEnd();
}

it('reads back what the tool would write', () => {
  fc.assert(
    fc.property(written, (wanted) => {
      const read = flow(write(wanted));
      const { client, asked, server, seen } = wanted;
      const side = (from: { ip: string; port: number }, to: { ip: string; port: number }) => ({
        protocol: wanted.protocol.ours,
        source: from.ip,
        sourcePort: from.port,
        destination: to.ip,
        destinationPort: to.port,
        icmp: undefined,
      });
      expect(read).toMatchObject({
        observedAt: wanted.micros,
        event: wanted.event,
        original: side(client, asked),
        reply: side(server, seen),
        timeout: wanted.timeout,
        state: wanted.state,
        originalCounters: wanted.counters,
        replyCounters: wanted.counters,
        unreplied: wanted.unreplied,
        assured: wanted.assured,
        mark: wanted.mark,
        id: wanted.id,
      });
    }),
    { numRuns: 500 },
  );
});
