// What a picture of 5,000 rules costs on the wire, shipped whole and told by the last whole one: real rules in a network
// namespace, 50 of them busy between two looks, real iptables-save, the collector's own code.
//   node dist/bench/told-pictures.js [RULES] [BUSY] [PICTURES]        needs root
import { execFileSync, spawnSync } from 'node:child_process';
import { Bases } from '../apps/collector/src/batch/bases.js';
import { rfc3339, wireBody } from '../apps/collector/src/batch/envelope.js';

const RULES = Number(process.argv[2] ?? 5_000);
const BUSY = Number(process.argv[3] ?? 50);
const PICTURES = Number(process.argv[4] ?? 30);
const NODE = `wdtold${process.pid.toString(36)}`;
/** Ports of the rules begin here. */
const FIRST_PORT = 10_000;

const inside = (program: string, args: readonly string[], input?: string) =>
  execFileSync('ip', ['netns', 'exec', NODE, program, ...args], {
    ...(input === undefined ? {} : { input }),
    maxBuffer: 2 ** 26,
  });

/** As a plugin writes them: a comment with a policy's name, a set, a mark. */
function rules(): string {
  const lines = Array.from(
    { length: RULES },
    (_, at) =>
      `-A OUTPUT -p udp -m udp --dport ${FIRST_PORT + at} -m comment --comment "cali:${(at * 7_919).toString(36).padStart(16, 'x')} Policy ns-${at % 40}/allow-${at} ingress" -m mark ! --mark 0x10000/0x10000 -j ACCEPT`,
  );
  return ['*filter', ...lines, 'COMMIT', ''].join('\n');
}

/** One packet for each of the busy rules, which lie all over the ruleset. */
const SEND = `
  const socket = require('node:dgram').createSocket('udp4');
  const [busy, rules] = process.argv.slice(1).map(Number);
  let left = busy;
  for (let at = 0; at < busy; at++)
    socket.send('x', ${FIRST_PORT} + Math.floor((at * rules) / busy), '127.0.0.1', () => --left || socket.close());
`;

interface Shipped {
  readonly whole: number;
  readonly wire: number;
  readonly wholeMs: number;
  readonly wireMs: number;
  readonly isWhole: boolean;
}

const common = { version: 1 as const, cluster: 'bench', node: NODE, stream: 'iptables.save', format: 'iptables-save' };

function ship(bases: Bases, payload: Buffer, sequence: number, at: number): Shipped {
  const number = { epoch: 1, sequence };
  const head = {
    ...common,
    ...number,
    attributes: {},
    observedFrom: rfc3339(at),
    observedTo: rfc3339(at),
    firstLine: 1,
  };
  const begun = performance.now();
  const { payload: bytes, base, numbered } = bases.tell(common, payload, at);
  numbered(number);
  const wire = wireBody({ ...head, ...(base === undefined ? {} : { base }) }, bytes).length;
  const done = performance.now();
  const whole = wireBody(head, payload).length;
  return { whole, wire, wholeMs: performance.now() - done, wireMs: done - begun, isWhole: base === undefined };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function measure(): void {
  inside('ip', ['link', 'set', 'lo', 'up']);
  inside('iptables-restore', [], rules());
  const bases = new Bases();
  const shipped: Shipped[] = [];
  for (let sequence = 0; sequence < PICTURES; sequence++) {
    inside(process.execPath, ['-e', SEND, String(BUSY), String(RULES)]);
    shipped.push(ship(bases, inside('iptables-save', ['-c']), sequence, Date.now()));
  }
  const told = shipped.filter(({ isWhole }) => !isWhole);
  if (told.length !== PICTURES - 1) throw new Error(`${told.length} of ${PICTURES} pictures were told by the first`);
  const before = mean(shipped.map(({ whole }) => whole));
  const after = mean(told.map(({ wire }) => wire));
  // One is whole every ten minutes: of 60 pictures, ten seconds apart, one.
  const each = (before + 59 * after) / 60;
  console.log(`${RULES} rules, ${BUSY} of them busy between two looks, gzip, bytes for each picture:`);
  console.log(`  whole each time         ${before.toFixed(0).padStart(8)}`);
  console.log(`  told by the last whole  ${after.toFixed(0).padStart(8)}   1 : ${(before / after).toFixed(0)}`);
  const ms = (values: readonly number[]) => `${median(values).toFixed(1)} ms`;
  console.log(`  over ten minutes        ${each.toFixed(0).padStart(8)}   1 : ${(before / each).toFixed(0)}`);
  console.log(
    `of the processor: ${ms(shipped.map(({ wholeMs }) => wholeMs))} whole, ${ms(told.map(({ wireMs }) => wireMs))} told`,
  );
}

if (process.getuid?.() !== 0) {
  console.error('bench/told-pictures makes a network namespace: run it as root');
  process.exit(2);
}
try {
  execFileSync('ip', ['netns', 'add', NODE]);
  measure();
} finally {
  spawnSync('ip', ['netns', 'del', NODE]);
}
