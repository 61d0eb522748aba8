import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Route } from '@whydrop/ruleset';

/** A node with three networks; everything beyond its interfaces is one silent namespace. */
export const INTERFACES = [
  { name: 'a0', peer: 'a0p', net: '10.1.0', mac: '02:00:00:00:01:01', peerMac: '02:00:00:00:01:02' },
  { name: 'b0', peer: 'b0p', net: '10.2.0', mac: '02:00:00:00:02:01', peerMac: '02:00:00:00:02:02' },
  { name: 'b1', peer: 'b1p', net: '10.3.0', mac: '02:00:00:00:03:01', peerMac: '02:00:00:00:03:02' },
] as const;

/** A bridge with two ports: what goes from one to the other passes FORWARD as a bridged packet. */
export const BRIDGE = {
  name: 'weave',
  ports: [
    { name: 'vethwepl1', peer: 'vethwepl1p', mac: '02:00:00:00:09:01' },
    { name: 'vethwe-bridge', peer: 'vethwe-bridgep', mac: '02:00:00:00:09:02' },
  ],
} as const;

/** The last byte of every address that packets are sent to or from; 1 is the node. */
export const HOSTS = [2, 3, 4, 5, 6, 7] as const;

export const LOCAL_ADDRESSES: readonly string[] = [
  '127.0.0.1/8',
  ...INTERFACES.map(({ net }) => `${net}.1/24`),
  ...INTERFACES.map((_, i) => `fd00:${i + 1}::1/64`),
  '::1/128',
];

export const ROUTES: readonly Route[] = [
  ...INTERFACES.map(({ name, net }) => ({ destination: `${net}.0/24`, interface: name })),
  ...INTERFACES.map(({ name }, i) => ({ destination: `fd00:${i + 1}::/64`, interface: name })),
  { destination: 'default', interface: 'b0' },
];

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function run(command: readonly string[], input?: string): Promise<CommandResult> {
  const [program = '', ...args] = command;
  const child = spawn(program, args);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? -1));
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  return { code: await ended, stdout, stderr };
}

async function must(command: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, input);
  if (code !== 0) {
    const line = Number(/line:? (\d+)/.exec(stderr)?.[1] ?? 0);
    const at = line > 0 ? `\n  ${input?.split('\n')[line - 1]}` : '';
    throw new Error(`${command.join(' ')}: ${stderr.trim() || `exit code ${code}`}${at}`);
  }
  return stdout;
}

function inside(namespace: string, command: readonly string[]): readonly string[] {
  return ['ip', 'netns', 'exec', namespace, ...command];
}

/** A program that runs as long as the topology does; its lines are handed on as they come. */
class Service {
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(command: readonly string[], onLine: (line: string) => void) {
    const [program = '', ...args] = command;
    this.#child = spawn(program, args);
    createInterface({ input: this.#child.stdout }).on('line', onLine);
    this.#child.stderr.resume();
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

function linkCommands(node: string, peer: string): string {
  return INTERFACES.flatMap(({ name, peer: other, net, mac, peerMac }, i) => [
    `link add ${name} netns ${node} address ${mac} type veth peer name ${other} netns ${peer} address ${peerMac}`,
    `-n ${node} addr add ${net}.1/24 dev ${name}`,
    `-n ${node} -6 addr add fd00:${i + 1}::1/64 dev ${name} nodad`,
    `-n ${node} link set ${name} up`,
    `-n ${peer} link set ${other} up`,
    ...[...HOSTS, 254].flatMap((host) => [
      `-n ${node} neigh add ${net}.${host} lladdr ${peerMac} dev ${name} nud permanent`,
      `-n ${node} -6 neigh add fd00:${i + 1}::${host} lladdr ${peerMac} dev ${name} nud permanent`,
    ]),
  ]).join('\n');
}

function bridgeCommands(node: string, peer: string): string {
  return [
    `-n ${node} link add ${BRIDGE.name} type bridge`,
    `-n ${node} link set ${BRIDGE.name} up`,
    ...BRIDGE.ports.flatMap(({ name, peer: other, mac }) => [
      `link add ${name} netns ${node} type veth peer name ${other} netns ${peer} address ${mac}`,
      `-n ${node} link set ${name} master ${BRIDGE.name} up`,
      `-n ${peer} link set ${other} up`,
    ]),
  ].join('\n');
}

/** Namespaces of a test run: a node that filters, and what lies behind its interfaces. Nothing of the host is touched. */
export class Topology {
  readonly #node: string;
  readonly #peer: string;
  readonly #services: Service[] = [];
  readonly #sent = new Map<number, (answer: string) => void>();
  #monitor: { readonly family: 'inet' | 'inet6'; readonly service: Service } | undefined;
  #lines: string[] = [];
  #lastLineAt = 0;
  #number = 0;

  constructor(name: string) {
    this.#node = `${name}-node`;
    this.#peer = `${name}-peer`;
  }

  async start(sender: string): Promise<void> {
    for (const namespace of [this.#node, this.#peer]) await must(['ip', 'netns', 'add', namespace]);
    await this.#link();
    // A redirect would be a second packet of the connection, which may change its mark before the first is filtered.
    const settings = ['all', 'default', ...INTERFACES.map(({ name }) => name)].flatMap((name) =>
      ['rp_filter', 'send_redirects'].map((key) => `net.ipv4.conf.${name}.${key}=0`),
    );
    const bridged = ['net.bridge.bridge-nf-call-iptables=1'];
    const forwarding = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
    await must(inside(this.#node, ['sysctl', '-q', '-w', ...settings, ...forwarding, ...bridged]));
    const answered = (line: string) => this.#answer(line);
    this.#services.push(
      new Service(inside(this.#peer, ['python3', sender]), answered),
      new Service(inside(this.#node, ['python3', sender]), answered),
    );
  }

  async #link(): Promise<void> {
    const commands = `${linkCommands(this.#node, this.#peer)}\n${bridgeCommands(this.#node, this.#peer)}`;
    for (const line of commands.split('\n')) await must(['ip', ...line.split(' ')]);
    for (const { name, mac } of BRIDGE.ports) {
      await must(inside(this.#node, ['bridge', 'fdb', 'replace', mac, 'dev', name, 'master', 'static']));
    }
    await must(['ip', '-n', this.#node, 'link', 'set', 'lo', 'up']);
    await must(['ip', '-n', this.#node, 'route', 'add', 'default', 'via', '10.2.0.254', 'dev', 'b0']);
    await must(['ip', '-n', this.#node, '-6', 'route', 'add', 'default', 'via', 'fd00:2::254', 'dev', 'b0']);
  }

  /**
   * Starts the reader of traces for a family. xtables-monitor 1.8.9 prints whole rules, but ends at many IPv6 ones; there
   * nft's own monitor names them by handle.
   */
  async #watch(family: 'inet' | 'inet6'): Promise<void> {
    // nft's monitor knows the rules that were there when it began.
    if (family === 'inet' && this.#monitor?.family === family && this.#monitor.service.isRunning) return;
    await this.#monitor?.service.stop();
    const onLine = (line: string) => {
      this.#lines.push(`${(Date.now() / 1_000).toFixed(6)} ${line}`);
      this.#lastLineAt = Date.now();
    };
    const command = family === 'inet' ? ['xtables-monitor', '--trace'] : ['nft', '-a', 'monitor', 'trace'];
    this.#monitor = { family, service: new Service(inside(this.#node, ['stdbuf', '-oL', ...command]), onLine) };
    await sleep(80);
  }

  /** Another reader, with more time to begin. */
  async restartMonitor(): Promise<void> {
    const family = this.#monitor?.family ?? 'inet';
    await this.#monitor?.service.stop();
    this.#monitor = undefined;
    this.#lines = [];
    await this.#watch(family);
    await sleep(400);
  }

  #answer(line: string): void {
    const [number = '', answer = ''] = line.split(' ');
    this.#sent.get(Number(number))?.(answer);
    this.#sent.delete(Number(number));
  }

  /** Loads a ruleset as iptables-restore reads it; returns what the kernel then says it has. */
  async load(family: 'inet' | 'inet6', text: string): Promise<string> {
    const tool = family === 'inet' ? 'iptables-nft' : 'ip6tables-nft';
    await must(inside(this.#node, [`${tool}-restore`]), text);
    await this.#watch(family);
    return must(inside(this.#node, [`${tool}-save`, '-c']));
  }

  async loadSets(text: string): Promise<string> {
    await must(inside(this.#node, ['ipset', '-exist', 'restore']), text);
    return must(inside(this.#node, ['ipset', 'save']));
  }

  async conntrack(args: readonly string[]): Promise<void> {
    await must(inside(this.#node, ['conntrack', ...args]));
  }

  /** Sends an Ethernet frame to an interface of the node from outside, or an IP packet of the node itself. */
  async send(from: string | null, hex: string): Promise<void> {
    const number = ++this.#number;
    const answered = new Promise<string>((resolve) => this.#sent.set(number, resolve));
    this.#services[from === null ? 1 : 0]?.write(`${number} ${from ?? '-'} ${hex}`);
    const answer = await answered;
    // EPERM is the node's own rules saying no to its own packet.
    if (answer !== 'sent' && answer !== '1') throw new Error(`packet was not sent: errno ${answer}`);
  }

  /** A table as `nft -a list` prints it: rules in order, with their handles. */
  async listHandles(table: string): Promise<string> {
    return must(inside(this.#node, ['nft', '-a', 'list', 'table', 'ip6', table]));
  }

  /** The trace since the last call, once it has been silent for a moment. */
  async trace(isComplete: (lines: readonly string[]) => boolean): Promise<string> {
    for (let i = 0; i < 150; i++) {
      await sleep(10);
      if (isComplete(this.#lines) && Date.now() - this.#lastLineAt > 25) break;
    }
    const lines = this.#lines;
    this.#lines = [];
    return lines.join('\n');
  }

  async stop(): Promise<void> {
    await this.#monitor?.service.stop();
    for (const service of this.#services) await service.stop();
    for (const namespace of [this.#node, this.#peer]) await run(['ip', 'netns', 'del', namespace]);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
