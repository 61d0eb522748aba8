import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { iso, publish, writeBundle, type ObjectEvent, type PolicyEvent } from './bundle.js';
import { NodeChannels } from './channels.js';
import { Lab, nameOf, type Made } from './lab.js';
import type { Attempt, PolicyChange, Scenario } from './scenario.js';
import { LabError } from './shell.js';
import { digestNflog } from './weave-log.js';
import {
  readTrace,
  readTranslations,
  stopsOf,
  type Seen,
  type Stop,
  type TracedPacket,
  type Translation,
} from './truth.js';

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
  /** `failed`: no rule stopped it, and nobody answered as wanted. */
  readonly outcome: 'allowed' | 'dropped' | 'rejected' | 'failed';
  /** Why, as the story says; the kernel does not know it. */
  readonly cause: string | null;
  /** Where the first packet that was stopped ended; null when none was. */
  readonly node: string | null;
  readonly table: string | null;
  readonly chain: string | null;
  readonly rule: string | null;
  /** Packets that this rule stopped. */
  readonly packets: number;
  /** The packet as this rule saw it; absent in captures of older days. */
  readonly seen?: Seen | null;
  /** Further rules that stopped later packets of the same attempt. */
  readonly others: readonly Stop[];
}

/** What the kernel said of an attempt: every traced packet, and how connections were translated. */
interface KernelView {
  readonly packets: readonly TracedPacket[];
  readonly translations: readonly Translation[];
}

/** Seconds after an attempt in which packets with its ports are still its own. */
function patienceOf({ attempt, answer, sourceIp }: Made, others: readonly Made[]): number {
  const most = attempt.sourcePort === undefined ? 3 : 60;
  const later = others.filter(
    (each) =>
      each.sourceIp === sourceIp && each.answer.sourcePort === answer.sourcePort && each.answer.at > answer.until,
  );
  return Math.min(most, ...later.map((each) => each.answer.at - answer.until - 0.1));
}

/** Puts together what the client saw and what the kernel's trace says; they must not contradict each other. */
export function truthOf(made: Made, view: KernelView, all: readonly Made[] = []): Truth {
  const { attempt, answer, sourceIp, destinationIp } = made;
  const patience = patienceOf(made, all);
  const key = { ...answer, protocol: attempt.protocol, source: sourceIp, destination: destinationIp, patience };
  const [first, ...others] = stopsOf(view.packets, key, view.translations);
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
    cause: attempt.cause ?? null,
    node: first?.node ?? null,
    table: first?.table ?? null,
    chain: first?.chain ?? null,
    rule: first?.rule ?? null,
    packets: first?.packets ?? 0,
    seen: first?.seen ?? null,
    others,
  };
}

type Channels = ReadonlyMap<string, NodeChannels>;

function isChange(step: readonly Attempt[] | PolicyChange): step is PolicyChange {
  return !Array.isArray(step);
}

type Event = PolicyEvent | ObjectEvent;

/** Programs a change between two snapshots of the rules, so that no counter is lost unseen. */
async function change(lab: Lab, channels: Channels, step: PolicyChange): Promise<readonly Event[]> {
  // The monitor asks for the rule that a packet met, and ends when it is not there any more.
  for (const channel of channels.values()) await channel.settle();
  for (const channel of channels.values()) channel.snapshotRules();
  const at = Date.now() / 1000;
  const applied = (step.apply ?? []).map((policy): PolicyEvent => ({
    at,
    type: lab.policy(policy) ? 'MODIFIED' : 'ADDED',
    policy,
  }));
  const removed = (step.remove ?? []).flatMap((name): readonly PolicyEvent[] => {
    const policy = lab.policy(name);
    return policy ? [{ at, type: 'DELETED', policy }] : [];
  });
  const objects = (step.objects ?? []).map((each): ObjectEvent => ({ ...each, at }));
  const programmed = (step.apply ?? step.remove) !== undefined && !step.unprogrammed;
  if (programmed) lab.change(step);
  lab.run(step.run ?? []);
  await wait(100);
  if (programmed || step.run) for (const channel of channels.values()) channel.snapshotRules();
  if (step.run) for (const channel of channels.values()) channel.snapshotSurroundings();
  await wait(400 + (step.wait ?? 0) * 1000);
  return [...applied, ...removed, ...objects];
}

interface Recorded {
  readonly made: readonly Made[];
  readonly events: readonly Event[];
}

async function record(lab: Lab, channels: Channels): Promise<Recorded> {
  const each = (action: (channel: NodeChannels) => void) => [...channels.values()].forEach(action);
  each((channel) => channel.open(lab.nflogGroups));
  for (const channel of channels.values()) await channel.ready();
  await wait(500);
  each((channel) => channel.recordInterfaces());
  each((channel) => channel.snapshotSurroundings());
  each((channel) => channel.snapshotRules());
  await wait(200);
  const made: Made[] = [];
  const events: Event[] = [];
  for (const step of lab.scenario.steps) {
    if (isChange(step)) events.push(...(await change(lab, channels, step)));
    else made.push(...(await Promise.all(step.map((attempt) => lab.attempt(attempt)))));
  }
  await wait(300);
  each((channel) => channel.snapshotConntrack());
  each((channel) => channel.snapshotConntrackStats());
  each((channel) => channel.snapshotRules());
  // The kernel hands out NFLOG in batches, up to a second late.
  await wait(1_200);
  for (const channel of channels.values()) await channel.settle();
  return { made, events };
}

function kernelView(bundle: string, channels: Channels): KernelView {
  const packets = [...channels].flatMap(([node, channel]) => readTrace(node, channel.trace));
  const folders = [...channels.keys()].map((node) => join(bundle, 'nodes', node));
  const tables = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.startsWith('conntrack.'))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  );
  return { packets, translations: tables.flatMap(readTranslations) };
}

/** What a capture may do otherwise than its story says. */
export interface CaptureOptions {
  /** The kernel's trace is for the truth only, unless this asks for it in the bundle. */
  readonly trace?: boolean;
  /** Nobody knows beforehand what the kernel will do: its word stands, whatever the attempts expect. */
  readonly unforeseen?: boolean;
}

function check(scenario: Scenario, truth: readonly Truth[]): void {
  const attempts = scenario.steps.flatMap((step) => (isChange(step) ? [] : step));
  const wrong = truth.flatMap((line, index) => {
    const { expect, packets = line.packets } = attempts[index] ?? {};
    const what = `${line.from} -> ${line.to}:${line.port}`;
    if (line.outcome !== expect) return [`${what} was ${line.outcome} (${line.client}), the story says ${expect}`];
    return line.packets === packets ? [] : [`${what} lost ${line.packets} packets, the story says ${packets}`];
  });
  if (wrong.length > 0) throw new LabError(wrong.join('\n'));
}

/**
 * Runs a scenario on a real kernel and writes its bundle and its truth below `folder`. Throws when the kernel did
 * something else than the story says. Everything it made in the kernel is gone afterwards.
 */
export async function capture(
  scenario: Scenario,
  folder: string,
  options: CaptureOptions = {},
): Promise<readonly Truth[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'whydrop-lab-'));
  const bundle = join(scratch, 'bundle');
  const channels = new Map<string, NodeChannels>();
  let lab: Lab | undefined;
  try {
    lab = await Lab.open(scenario);
    for (const attempt of scenario.before ?? []) await lab.attempt(attempt);
    for (const node of scenario.nodes) {
      const namespace = lab.fabric.namespaceOf({ kind: 'node', name: node.name });
      channels.set(node.name, new NodeChannels(namespace, join(bundle, 'nodes', node.name), join(scratch, node.name)));
    }
    const from = Date.now() / 1000;
    const { made, events } = await record(lab, channels);
    await Promise.all([...channels.values()].map((channel) => channel.close()));
    const channel = lab.digest === 'weave-npc' ? 'weave-npc-log' : 'nflog';
    const complete = ['conntrack', 'iptables', ...(lab.nflogGroups.length > 0 ? [channel] : [])];
    if (options.trace ?? scenario.withTrace) {
      complete.push('trace');
      for (const each of channels.values()) each.keepTrace();
    }
    if (lab.digest === 'weave-npc') for (const node of channels.keys()) digestNflog(join(bundle, 'nodes', node), from);
    writeBundle(scenario, bundle, { from, to: Date.now() / 1000, events, complete });
    const view = kernelView(bundle, channels);
    const truth = made.map((each) => truthOf(each, view, made));
    if (!options.unforeseen) check(scenario, truth);
    publish(bundle, folder, truth);
    return truth;
  } finally {
    await Promise.all([...channels.values()].map((channel) => channel.close()));
    await lab?.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}
