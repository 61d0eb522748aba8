import type { ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { LabError, labFolder, PYTHON, run, start, stop } from './shell.js';

/** Each base chain has a packet line before it; those of the lab's own table go with its rules. */
function withoutLab(lines: readonly string[]): readonly string[] {
  const nextOf = new Map<string, string>();
  const kept = lines.toReversed().filter((line) => {
    const [, kind, id = ''] = /^[\d.]+\s+(PACKET|TRACE): \d+ ([0-9a-f]+) /.exec(line) ?? [];
    const own = (kind === 'PACKET' ? (nextOf.get(id) ?? '') : line).includes(' labtrace:');
    if (kind === 'TRACE') nextOf.set(id, line);
    return !own;
  });
  return kept.toReversed();
}

/** Everything that is recorded on one node. Streams run from `open` to `close`; snapshots are taken in between. */
export class NodeChannels {
  private readonly children: ChildProcess[] = [];
  private readonly files: WriteStream[] = [];
  private monitor: ChildProcess | undefined;
  private complaint = '';
  /** Lines of `xtables-monitor --trace`, each with the second since 1970 at which it was read. */
  readonly trace: string[] = [];

  constructor(
    private readonly namespace: string,
    private readonly folder: string,
    private readonly scratch: string,
  ) {
    mkdirSync(folder, { recursive: true });
    mkdirSync(scratch, { recursive: true });
  }

  open(nflogGroups: readonly number[]): void {
    this.record(['conntrack', '-E', '-o', 'timestamp,id'], 'conntrack.log');
    if (nflogGroups.length > 0) this.openNflog(nflogGroups);
    this.openTrace();
  }

  private record(command: readonly string[], name: string): void {
    const child = start(this.namespace, ['stdbuf', '-oL', ...command]);
    const file = createWriteStream(join(this.folder, name));
    child.stdout?.pipe(file);
    this.children.push(child);
    this.files.push(file);
  }

  private openNflog(groups: readonly number[]): void {
    const stack = groups.map(
      (group) => `stack=log${group}:NFLOG,base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,mac1:HWHDR,gp${group}:GPRINT`,
    );
    const sections = groups.flatMap((group) => [
      `[log${group}]`,
      `group=${group}`,
      `[gp${group}]`,
      `file="${join(this.folder, `nflog.${group}.log`)}"`,
      'sync=1',
      'timestamp=1',
    ]);
    const config = join(this.scratch, 'ulogd.conf');
    const log = join(this.scratch, 'ulogd.log');
    writeFileSync(config, ['[global]', `logfile="${log}"`, 'loglevel=3', ...stack, ...sections, ''].join('\n'));
    this.children.push(start(this.namespace, ['ulogd', '-c', config]));
  }

  /** A table of its own marks every packet, so that the node's rules and their counters stay as they are. */
  private openTrace(): void {
    const table = ['prerouting', 'output'].map(
      (hook) => `chain ${hook} { type filter hook ${hook} priority -350; meta nftrace set 1; };`,
    );
    run(this.namespace, ['nft', '-f', '-'], `table ip labtrace { ${table.join(' ')} }\n`);
    const child = start(this.namespace, ['stdbuf', '-oL', 'xtables-monitor', '--trace']);
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
      this.trace.push(`${(Date.now() / 1000).toFixed(6)} ${line}`);
    });
    child.stderr?.on('data', (text: Buffer) => (this.complaint += text.toString()));
    this.children.push(child);
    this.monitor = child;
  }

  /** Waits until the trace monitor listens, and gives it room: it ends when the kernel outruns it. */
  async ready(): Promise<void> {
    const script = join(labFolder(), 'rcvbuf.py');
    for (let tries = 0; tries < 50; tries += 1) {
      await wait(20);
      try {
        run(undefined, [PYTHON, script, `${this.monitor?.pid ?? 0}`, `${64 << 20}`]);
        return;
      } catch (error) {
        if (tries === 49) throw error;
      }
    }
  }

  /** Waits until the monitor has printed everything; the kernel is faster than it. */
  async settle(): Promise<void> {
    let lines = -1;
    for (let tries = 0; tries < 100 && lines !== this.trace.length; tries += 1) {
      lines = this.trace.length;
      await wait(400);
    }
    if (this.monitor?.exitCode !== null)
      throw new LabError(`The trace of ${this.namespace} ended too early: ${this.complaint}`);
  }

  /** Rules with counters and sets, as they are now. */
  snapshotRules(): void {
    this.snapshot('ipset', 'save', ['ipset', 'save']);
    this.snapshot('iptables', 'save', ['iptables-save', '-c']);
  }

  snapshotConntrack(): void {
    this.snapshot('conntrack', 'txt', ['conntrack', '-L', '-o', 'id']);
  }

  recordInterfaces(): void {
    writeFileSync(join(this.folder, 'interfaces.json'), run(this.namespace, ['ip', '-j', '-d', 'addr']));
  }

  /** What else decides about packets: routes, switches of the kernel, and what conntrack itself lost. */
  snapshotSurroundings(): void {
    this.snapshot('routes', 'json', ['ip', '-j', 'route', 'show', 'table', 'all']);
    const names = '^net\\.(netfilter\\.|bridge\\.|ipv4\\.(ip_forward$|conf\\..*\\.rp_filter$))';
    this.snapshot('sysctl', 'txt', ['sysctl', '-a', '-r', names]);
    this.snapshotConntrackStats();
  }

  /** What the node counts of packets that no rule met. */
  snapshotConntrackStats(): void {
    this.snapshot('conntrack-stats', 'txt', ['conntrack', '-S']);
    this.snapshot('proc-net', 'txt', ['cat', '/proc/net/snmp', '/proc/net/netstat']);
  }

  /** Puts the trace into the bundle, without what the lab's own table added. */
  keepTrace(): void {
    writeFileSync(join(this.folder, 'trace.log'), withoutLab(this.trace).join('\n') + '\n');
  }

  /** The time in the file's name is taken before the command runs: what it shows is not older. */
  private snapshot(name: string, extension: string, command: readonly string[]): void {
    const epoch = (Date.now() / 1000).toFixed(3);
    writeFileSync(join(this.folder, `${name}.${epoch}.${extension}`), run(this.namespace, command));
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => stop(child)));
    await Promise.all(this.files.map((file) => new Promise<void>((resolve) => file.end(() => resolve()))));
  }
}
