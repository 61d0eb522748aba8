import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { NodeChannels } from './channels.js';
import { clusterObjects } from './cluster-objects.js';
import { dialectNamed } from './dialects/registry.js';
import { buildFabric, partyKey, type Fabric } from './fabric.js';
import type { Attempt, Party, Scenario, Target } from './scenario.js';
import { LabError, requireTools, run } from './shell.js';
import { TrafficAgent, type TrafficRequest, type TrafficResult } from './traffic.js';
import { readTrace, stopsOf, type Stop, type TracedPacket } from './truth.js';

/** One line of truth.jsonl. */
export interface Truth {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number | null;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly sourcePort: number;
  readonly at: string;
  /** What the client saw. */
  readonly client: string;
  readonly outcome: 'allowed' | 'dropped' | 'rejected' | 'failed';
  /** Where the first packet that was stopped ended; null when none was. */
  readonly node: string | null;
  readonly table: string | null;
  readonly chain: string | null;
  readonly rule: string | null;
  /** Packets that this rule stopped. */
  readonly packets: number;
  /** Further rules that stopped later packets of the same attempt. */
  readonly others: readonly Stop[];
}

interface Made {
  readonly attempt: Attempt;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly answer: TrafficResult;
}

const yaml = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false });

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

function ipOf(scenario: Scenario, target: Target): string {
  if (target.kind === 'address') return target.ip;
  if (target.kind === 'node') return scenario.nodes.find((node) => node.name === target.name)?.ip ?? '';
  if (target.kind === 'outside') return scenario.outside?.find((each) => each.name === target.name)?.ip ?? '';
  const same = (each: { readonly namespace: string; readonly name: string }) =>
    each.namespace === target.namespace && each.name === target.name;
  if (target.kind === 'service') return scenario.services.find(same)?.clusterIp ?? '';
  return scenario.pods.find(same)?.ip ?? '';
}

const nameOf = (target: Target): string => {
  if (target.kind === 'address') return target.ip;
  if (target.kind === 'service') return `service ${target.namespace}/${target.name}`;
  return target.kind === 'pod' ? `${target.namespace}/${target.name}` : partyKey(target);
};

function requestOf(scenario: Scenario, attempt: Attempt): TrafficRequest {
  const kind = attempt.flags ? 'segment' : ({ TCP: 'tcp', UDP: 'udp', ICMP: 'icmp' } as const)[attempt.protocol];
  return {
    kind,
    to: ipOf(scenario, attempt.to),
    timeout: attempt.timeout ?? 3.5,
    ...(attempt.port === undefined ? {} : { port: attempt.port }),
    ...(attempt.flags ? { flags: attempt.flags } : {}),
  };
}

/** A lab that is built and loaded: traffic can be made in it, and rules can be read. */
export class Lab {
  private readonly agents = new Map<string, TrafficAgent>();

  private constructor(
    readonly scenario: Scenario,
    readonly fabric: Fabric,
  ) {}

  /** Builds the namespaces, loads the rules and starts the listeners. The caller closes it, whatever happens. */
  static async open(scenario: Scenario): Promise<Lab> {
    requireTools();
    const dialect = dialectNamed(scenario.dialect);
    const lab = new Lab(scenario, buildFabric(scenario, dialect));
    try {
      for (const node of scenario.nodes) lab.load(node.name, dialect.program(scenario, node.name));
      await lab.listen();
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  load(node: string, program: { readonly ipsets: string; readonly iptables: string }): void {
    const namespace = this.fabric.namespaceOf({ kind: 'node', name: node });
    run(namespace, ['ipset', 'restore'], program.ipsets);
    run(namespace, ['iptables-restore'], program.iptables);
  }

  private async listen(): Promise<void> {
    for (const pod of this.scenario.pods) {
      for (const { port, protocol = 'TCP' } of pod.listens ?? pod.ports) {
        await this.agent({ kind: 'pod', ...pod }).ask({ kind: 'listen', protocol, port });
      }
    }
  }

  private agent(party: Party): TrafficAgent {
    const name = this.fabric.namespaceOf(party);
    const agent = this.agents.get(name) ?? new TrafficAgent(name);
    this.agents.set(name, agent);
    return agent;
  }

  async attempt(attempt: Attempt): Promise<Made> {
    const answer = await this.agent(attempt.from).ask(requestOf(this.scenario, attempt));
    return {
      attempt,
      sourceIp: ipOf(this.scenario, attempt.from),
      destinationIp: ipOf(this.scenario, attempt.to),
      answer,
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent.stop()));
    this.fabric.remove();
  }
}

/** Compares what the client saw with what the kernel's trace says, and tells the outcome. */
export function truthOf(made: Made, packets: readonly TracedPacket[]): Truth {
  const { attempt, answer, sourceIp, destinationIp } = made;
  const key = { ...answer, protocol: attempt.protocol, source: sourceIp, destination: destinationIp };
  const [first, ...others] = stopsOf(packets, key);
  const answered = answer.result === 'connected' || answer.result === 'answered';
  if (first && answered) throw new LabError(`${nameOf(attempt.from)} got an answer although ${first.rule} stopped it`);
  const passed = answered || attempt.flags !== undefined ? 'allowed' : 'failed';
  return {
    from: nameOf(attempt.from),
    to: nameOf(attempt.to),
    protocol: attempt.protocol,
    port: attempt.port ?? null,
    sourceIp,
    destinationIp,
    sourcePort: answer.sourcePort,
    at: iso(answer.at),
    client: answer.result,
    outcome: first?.action ?? passed,
    node: first?.node ?? null,
    table: first?.table ?? null,
    chain: first?.chain ?? null,
    rule: first?.rule ?? null,
    packets: first?.packets ?? 0,
    others,
  };
}

function writeBundle(scenario: Scenario, folder: string, from: number, to: number): void {
  mkdirSync(join(folder, 'cluster'), { recursive: true });
  for (const [name, objects] of clusterObjects(scenario, `${iso(from - 3600).slice(0, 19)}Z`)) {
    writeFileSync(join(folder, 'cluster', name), objects.map((object) => `---\n${yaml(object)}`).join(''));
  }
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim().replace(/-.*$/, '');
  const complete = ['conntrack', 'iptables', ...(scenario.nflogGroups.length > 0 ? ['nflog'] : [])];
  const dialect = dialectNamed(scenario.dialect).name;
  const nodes = Object.fromEntries(scenario.nodes.map((node) => [node.name, { complete, dialect, kernel }]));
  const manifest = { version: 1, cluster: scenario.cluster, from: iso(from), to: iso(to), timezone: 'UTC', nodes };
  writeFileSync(join(folder, 'bundle.yaml'), yaml(manifest));
}

async function record(lab: Lab, channels: ReadonlyMap<string, NodeChannels>): Promise<readonly Made[]> {
  const each = (action: (channel: NodeChannels) => void) => [...channels.values()].forEach(action);
  each((channel) => channel.open(lab.scenario.nflogGroups));
  for (const channel of channels.values()) await channel.ready();
  await wait(500);
  each((channel) => channel.recordInterfaces());
  each((channel) => channel.snapshotRules());
  await wait(200);
  const made: Made[] = [];
  for (const step of lab.scenario.steps) {
    made.push(...(await Promise.all(step.map((attempt) => lab.attempt(attempt)))));
  }
  await wait(300);
  each((channel) => channel.snapshotConntrack());
  each((channel) => channel.snapshotRules());
  // The kernel hands out NFLOG in batches, up to a second late.
  await wait(1_200);
  for (const channel of channels.values()) await channel.settle();
  return made;
}

/**
 * Runs a scenario on a real kernel and writes its bundle and its truth below `folder`. Throws when the kernel did
 * something else than the story says. Everything it made in the kernel is gone afterwards.
 */
export async function capture(scenario: Scenario, folder: string): Promise<readonly Truth[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'whydrop-lab-'));
  const bundle = join(scratch, 'bundle');
  const lab = await Lab.open(scenario);
  const channels = new Map<string, NodeChannels>();
  try {
    for (const node of scenario.nodes) {
      const namespace = lab.fabric.namespaceOf({ kind: 'node', name: node.name });
      channels.set(node.name, new NodeChannels(namespace, join(bundle, 'nodes', node.name), join(scratch, node.name)));
    }
    const from = Date.now() / 1000;
    const made = await record(lab, channels);
    await Promise.all([...channels.values()].map((channel) => channel.close()));
    writeBundle(scenario, bundle, from, Date.now() / 1000);
    const packets = [...channels].flatMap(([node, channel]) => readTrace(node, channel.trace));
    const truth = made.map((each) => truthOf(each, packets));
    check(scenario, truth);
    publish(bundle, folder, truth);
    return truth;
  } finally {
    await Promise.all([...channels.values()].map((channel) => channel.close()));
    await lab.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function check(scenario: Scenario, truth: readonly Truth[]): void {
  const wrong = scenario.steps.flat().flatMap((attempt, index) => {
    const line = truth[index];
    const what = `${line?.from} -> ${line?.to}:${line?.port}`;
    if (line?.outcome !== attempt.expect) return [`${what} was ${line?.outcome}, the story says ${attempt.expect}`];
    const { packets = line.packets } = attempt;
    return line.packets === packets ? [] : [`${what} lost ${line.packets} packets, the story says ${packets}`];
  });
  if (wrong.length > 0) throw new LabError(wrong.join('\n'));
}

/** Only a capture that went well replaces the one that lies there. */
function publish(bundle: string, folder: string, truth: readonly Truth[]): void {
  const target = join(folder, 'bundle');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(bundle, target, { recursive: true });
  writeFileSync(join(folder, 'truth.jsonl'), truth.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
