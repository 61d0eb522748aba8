import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Debian package of each tool the lab runs. */
const PACKAGES = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  stdbuf: 'coreutils',
  sysctl: 'procps',
  'iptables-save': 'iptables',
  'iptables-restore': 'iptables',
  'xtables-monitor': 'iptables',
  ipset: 'ipset',
  conntrack: 'conntrack',
  ulogd: 'ulogd2',
  nft: 'nftables',
  python3: 'python3',
} as const;

export class LabError extends Error {}

function onPath(tool: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(`${folder}/${tool}`));
}

/** Says what is missing before anything is built: root, then tools with the Debian package that has them. */
export function requireTools(): void {
  if (process.getuid?.() !== 0) throw new LabError('The lab makes network namespaces: run it as root.');
  const missing = Object.entries(PACKAGES).filter(([tool]) => !onPath(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  const tools = missing.map(([tool]) => tool).join(', ');
  throw new LabError(`Missing: ${tools}. On Debian: apt-get install ${packages}`);
}

// ulogd and conntrack print local time in some places; a bundle is in UTC.
const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, TZ: 'UTC', LC_ALL: 'C' };

/** A system Python starts faster than the shims of version managers. */
export const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

function inside(namespace: string | undefined, command: readonly string[]): readonly [string, readonly string[]] {
  const [program = '', ...rest] = command;
  if (namespace === undefined) return [program, rest];
  return ['nsenter', [`--net=/run/netns/${namespace}`, '--', program, ...rest]];
}

/** Runs a command to its end, in a network namespace when one is given, and returns its stdout. */
export function run(namespace: string | undefined, command: readonly string[], input = ''): string {
  const [program, args] = inside(namespace, command);
  const done = spawnSync(program, args, {
    input,
    env: environment,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 256 << 20,
  });
  if (done.status === 0) return done.stdout;
  const why = done.error?.message ?? done.stderr.trim();
  throw new LabError(`${command.join(' ')} (in ${namespace ?? 'the host'}) failed: ${why}`);
}

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a command that stays; the caller ends it, and it does not outlive this process. */
export function start(namespace: string, command: readonly string[]): ChildProcess {
  const [program, args] = inside(namespace, command);
  const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Asks a process to end, waits, and kills it when it has not after so many milliseconds. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM', killMs = 2_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill(signal);
  const insist = setTimeout(() => child.kill('SIGKILL'), killMs);
  await ended;
  clearTimeout(insist);
}

/** The folder of the lab's Python scripts: they lie in the sources, also when this runs from the build. */
export function labFolder(): string {
  let folder = import.meta.dirname;
  while (folder !== dirname(folder)) {
    const lab = join(folder, 'lab');
    if (existsSync(join(lab, 'agent.py'))) return lab;
    folder = dirname(folder);
  }
  throw new LabError('lab/agent.py is not there');
}
