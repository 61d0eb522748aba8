// What the collector costs on a node with 1,000 new TCP connections a second: memory, share of a core, and beside it
// the tools it runs. Real connections between two network namespaces, real conntrack, a server that takes everything.
//   node dist/bench/collector.js [SECONDS] [CONNECTIONS-A-SECOND]        needs root
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

const SECONDS = Number(process.argv[2] ?? 30);
const RATE = Number(process.argv[3] ?? 1000);
const ROOT = path.resolve(import.meta.dirname, '../..');
const TICKS = 100;
const NODE = `wdbench${process.pid.toString(36)}n`;
const CLIENT = `wdbench${process.pid.toString(36)}c`;

function run(...command: string[]): void {
  const [program = '', ...args] = command;
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}

const inside = (namespace: string, ...command: string[]) => run('ip', 'netns', 'exec', namespace, ...command);

/** A node that tracks connections, and a client behind a veth. */
function build(): void {
  for (const name of [NODE, CLIENT]) run('ip', 'netns', 'add', name);
  run('ip', '-n', CLIENT, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', NODE);
  for (const [name, address] of [
    [NODE, '10.213.7.1/24'],
    [CLIENT, '10.213.7.2/24'],
  ] as const) {
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    run('ip', '-n', name, 'addr', 'add', address, 'dev', 'eth0');
    run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
  }
  inside(NODE, 'iptables', '-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'ACCEPT');
  inside(CLIENT, 'sysctl', '-q', '-w', 'net.ipv4.ip_local_port_range=2000 65000');
}

function tearDown(): void {
  for (const name of [CLIENT, NODE]) spawnSync('ip', ['netns', 'del', name]);
}

const LISTEN = `
  const net = require('node:net');
  for (let port = 8000; port < 8008; port++) net.createServer((s) => s.on('error', () => {}).resume()).listen(port);
  console.log('listening');
`;
/** Opens connections in time with the clock, and resets each as soon as it stands: nothing piles up. */
const CONNECT = `
  const net = require('node:net');
  const [rate, seconds] = process.argv.slice(1).map(Number);
  const start = Date.now(); let made = 0, failed = 0;
  const timer = setInterval(() => {
    const due = Math.min(rate * seconds, ((Date.now() - start) / 1000) * rate);
    for (; made < due; made++) {
      const s = net.connect(8000 + (made % 8), '10.213.7.1', () => s.resetAndDestroy());
      s.on('error', () => failed++);
    }
    if (made >= rate * seconds) { clearInterval(timer); setTimeout(() => console.log(JSON.stringify({ made, failed })), 1000); }
  }, 10);
`;

interface Sink {
  readonly url: string;
  readonly events: () => { readonly fresh: number; readonly lines: number; readonly gaps: readonly string[] };
  close(): void;
}

/** Takes every batch, and counts what it holds. */
async function openSink(socket: string): Promise<Sink> {
  let [fresh, lines] = [0, 0];
  const gaps: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(202).end('{"accepted":true}');
      const body = gunzipSync(Buffer.concat(chunks)).toString('latin1');
      const end = body.indexOf('\n');
      const { format } = JSON.parse(body.slice(0, end)) as { format: string };
      if (format === 'gap') gaps.push(body.slice(end + 1));
      if (format !== 'conntrack-events') return;
      lines += body.split('\n').length - 2;
      fresh += body.split('[NEW]').length - 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return { url: 'http://10.213.7.1:4270', events: () => ({ fresh, lines, gaps }), close: () => server.close() };
}

const RELAY = `
  const net = require('node:net');
  net.createServer((a) => { const b = net.connect(process.argv[1]); a.pipe(b).pipe(a); a.on('error', () => b.destroy()); b.on('error', () => a.destroy()); })
    .listen(4270, '127.0.0.1', () => console.log('listening'));
`;

const children: ChildProcess[] = [];

function start(namespace: string, ...command: string[]): ChildProcess {
  const [program = '', ...args] = command;
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, '--', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, WHYDROP_LOG: 'warn' },
  });
  children.push(child);
  return child;
}

const said = (child: ChildProcess) =>
  new Promise<string>((resolve) => child.stdout?.once('data', (text: Buffer) => resolve(text.toString())));

interface Cost {
  readonly seconds: number;
  readonly rssMiB: number;
}

function costOf(pid: number): Cost {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return { seconds: (Number(fields[11]) + Number(fields[12])) / TICKS, rssMiB: Number(rss) / 1024 };
}

function childrenOf(pid: number): readonly { readonly pid: number; readonly name: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(/\) \S (\d+)/.exec(stat)?.[1]);
        return parent === pid ? [{ pid: Number(name), name: /\((.*)\)/.exec(stat)?.[1] ?? '' }] : [];
      } catch {
        return [];
      }
    });
}

async function measure(folder: string): Promise<boolean> {
  const socket = path.join(folder, 'sink.sock');
  const sink = await openSink(socket);
  await said(start(NODE, process.execPath, '-e', RELAY, socket));
  await said(start(NODE, process.execPath, '-e', LISTEN));
  const words = [
    '--url',
    'http://127.0.0.1:4270',
    '--token',
    'x',
    '--cluster',
    'bench',
    '--node',
    NODE,
    '--spool',
    folder,
  ];
  const collector = start(NODE, process.execPath, path.join(ROOT, 'bin', 'whydrop'), 'collector', ...words);
  await wait(3_000);
  const pid = collector.pid ?? 0;
  const tools = childrenOf(pid);
  const before = new Map([{ pid, name: 'collector' }, ...tools].map((each) => [each.pid, costOf(each.pid)]));
  const startedAt = Date.now();
  const client = start(CLIENT, process.execPath, '-e', CONNECT, String(RATE), String(SECONDS));
  let peak = 0;
  const watching = setInterval(() => (peak = Math.max(peak, costOf(pid).rssMiB)), 250);
  const made = JSON.parse(await said(client)) as { readonly made: number; readonly failed: number };
  const took = (Date.now() - startedAt) / 1000;
  clearInterval(watching);
  const share = (each: number) => ((costOf(each).seconds - (before.get(each)?.seconds ?? 0)) / took) * 100;
  await wait(1_000);
  const { fresh, lines, gaps } = sink.events();
  console.log(
    `${made.made} connections in ${took.toFixed(1)} s (${(made.made / took).toFixed(0)} a second, ${made.failed} failed)`,
  );
  console.log(`shipped: ${fresh} NEW of ${lines} events${gaps.length > 0 ? `, gaps: ${gaps.join('')}` : ', no gap'}`);
  console.log(`collector   ${share(pid).toFixed(1).padStart(5)} % of a core   ${peak.toFixed(1)} MiB resident at most`);
  for (const tool of tools) {
    const { rssMiB } = costOf(tool.pid);
    console.log(
      `${tool.name.padEnd(11)} ${share(tool.pid).toFixed(1).padStart(5)} % of a core   ${rssMiB.toFixed(1)} MiB resident`,
    );
  }
  console.log('wanted: the collector under 5 % of a core and under 80 MiB');
  sink.close();
  return share(pid) < 5 && peak < 80;
}

if (process.getuid?.() !== 0) {
  console.error('bench/collector makes network namespaces: run it as root');
  process.exit(2);
}
const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-bench-'));
try {
  build();
  process.exitCode = (await measure(folder)) ? 0 : 1;
} finally {
  for (const child of children) child.kill('SIGKILL');
  await wait(200);
  tearDown();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
