import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeStream } from '@whydrop/decoders';
import { NflogNumbers } from './nflog-numbers.js';
import { ulogdConfig } from './ulogd.js';

interface Hole {
  readonly from: number;
  readonly to: number;
  readonly records: number;
}

const NOW = 1_795_293_300_000;
const packet = (number: number, seconds = 1_795_293_291) =>
  `{"oob.prefix": "a \\"oob.seq.local\\": 77", "oob.time.sec": ${seconds}, "oob.seq.local": ${number}, "oob.family": 2}\n`;

function look(numbers: NflogNumbers, ...lines: readonly string[]): readonly Hole[] {
  const holes: Hole[] = [];
  numbers.look(Buffer.from(lines.join('')), (hole) => void holes.push(hole));
  return holes;
}

describe('numbers of NFLOG', () => {
  it('are no loss while they follow each other, over pieces', () => {
    const numbers = new NflogNumbers(() => NOW);
    numbers.begins();
    expect(look(numbers, packet(0), packet(1))).toEqual([]);
    expect(look(numbers, packet(2))).toEqual([]);
    expect(look(numbers)).toEqual([]);
  });

  it('say how many packets are missing, and between when', () => {
    const numbers = new NflogNumbers(() => NOW);
    numbers.begins();
    expect(look(numbers, packet(0), packet(5, 1_795_293_295), packet(6), packet(9))).toMatchObject([
      { records: 4, from: 1_795_293_291_000, to: 1_795_293_296_000 },
      { records: 2 },
    ]);
  });

  it('count what was lost before the first one that came', () => {
    const numbers = new NflogNumbers(() => NOW);
    numbers.begins();
    expect(look(numbers, packet(3))).toMatchObject([{ records: 3 }]);
  });

  it('begin anew with another listener, and after 32 bits', () => {
    const numbers = new NflogNumbers(() => NOW);
    expect(look(numbers, packet(700), packet(0), packet(1))).toEqual([]);
    numbers.begins();
    expect(look(numbers, packet(0))).toEqual([]);
    const late = new NflogNumbers(() => NOW);
    expect(look(late, packet(2 ** 32 - 1), packet(0), packet(2))).toMatchObject([{ records: 1 }]);
  });

  it('need not be there', () => {
    expect(look(new NflogNumbers(() => NOW), '{"oob.prefix": "a"}\n', 'no JSON\n')).toEqual([]);
  });
});

const hasPrograms = ['ulogd', 'iptables', 'unshare', 'ip'].every(
  (each) => spawnSync('sh', ['-c', `command -v ${each} || ls /usr/sbin/${each}`]).status === 0,
);
const canRun = process.getuid?.() === 0 && hasPrograms;
if (!canRun && process.env['CI'] === 'true') throw new Error('root, ulogd2, iptables, iproute2 and unshare are needed');

/** A listener that is stopped twice while thousands of packets are logged. */
const script = (config: string, log: string) => `
set -e
ip link set lo up
iptables -A OUTPUT -p udp --dport 9 -j NFLOG --nflog-group 5 --nflog-prefix x
ulogd -c ${config} > ${log} 2>&1 & U=$!
for i in $(seq 200); do grep -q 'entering main loop' ${log} && break; sleep 0.05; done
send() { perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto=>"udp",PeerAddr=>"127.0.0.1",PeerPort=>9); for (1..$ARGV[0]) { $s->send("x" x 50) }' $1; }
settle() { A=-1; B=0; while [ "$A" != "$B" ]; do A=$B; sleep 0.3; B=$(wc -l < "$OUT"); done; }
send 20; settle
for turn in 1 2; do kill -STOP $U; send 5000; kill -CONT $U; settle; send 3; settle; done
kill $U; wait $U || true
iptables -nvxL OUTPUT | awk '/NFLOG/ { print $1 }'
`;

if (canRun) {
  it('of a real ulogd2 tell each packet that it did not get, also at the second time', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-ulogd-'));
    const [config, log, out] = ['conf', 'log', 'out'].map((each) => path.join(folder, each));
    const text = ulogdConfig([5], () => out ?? '', 'stdout').replaceAll(/(buffer_\w*size)=\d+/g, '$1=65536');
    writeFileSync(config ?? '', text);
    const child = spawn('unshare', ['-n', 'sh', '-c', script(config ?? '', log ?? '')], {
      env: { ...process.env, OUT: out ?? '', PATH: `${process.env['PATH']}:/usr/sbin` },
    });
    let logged = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (logged += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    if (!existsSync(out ?? '')) throw new Error(errors);
    const lines = readFileSync(out ?? '');
    rmSync(folder, { recursive: true, force: true });
    const numbers = new NflogNumbers(Date.now);
    numbers.begins();
    const holes = look(numbers, lines.toString('latin1'));
    const written = lines.toString().trimEnd().split('\n').length;
    expect(holes.length).toBeGreaterThanOrEqual(2);
    expect(written + holes.reduce((sum, { records }) => sum + records, 0)).toBe(Number(logged.trim()));
    const context = { observedFrom: undefined, observedTo: undefined, firstLine: 1, attributes: {} };
    const kinds = [...decodeStream('nflog-json', lines.toString(), context)].map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['packet']));
  }, 60_000);
} else {
  console.warn('the test with a real ulogd2 is left out: it needs root, ulogd2, iptables, iproute2 and unshare');
}
