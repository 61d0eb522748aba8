import { decodeStream, isReject } from '@whydrop/decoders';
import type { IpsetSnapshot, RulesetSnapshot, TraceHit } from '@whydrop/model';
import { walkPacket, type WalkOutcome, type WalkResult } from '@whydrop/ruleset';
import { handlesOf, tracesByLabel, type Trace } from './nft-trace.js';
import { frame, ipPacket } from './packets.js';
import { Random } from './random.js';
import type { RulesetPlan } from './rulesets.js';
import { LOCAL_ADDRESSES, ROUTES, type Topology } from './topology.js';
import { Traffic, type Shot } from './traffic.js';

/** How the walk compares with the kernel over many packets. */
export interface Tally {
  rulesets: number;
  packets: number;
  /** The walk was certain and right: every visited rule and the end. */
  certain: number;
  /** The walk left several ends open, and the kernel's was among them, by the way the walk names for it. */
  open: number;
  /** Ends that the kernel's packets met, by kind. */
  readonly ends: Map<string, number>;
  readonly disagreements: string[];
}

export function newTally(): Tally {
  return { rulesets: 0, packets: 0, certain: 0, open: 0, ends: new Map(), disagreements: [] };
}

const CONTEXT = { observedFrom: 1_000_000, observedTo: undefined, firstLine: 1, attributes: { backend: 'nft' } };

function rulesetOf(family: 'inet' | 'inet6', text: string): RulesetSnapshot {
  for (const item of decodeStream(family === 'inet' ? 'iptables-save' : 'ip6tables-save', text, CONTEXT)) {
    if (item.kind === 'ruleset') return item;
    if (isReject(item)) throw new Error(`line ${item.line}: ${item.detail}`);
  }
  throw new Error('no ruleset');
}

function setsOf(text: string): IpsetSnapshot {
  for (const item of decodeStream('ipset-save', text, CONTEXT)) if (item.kind === 'ipsets') return item;
  return { kind: 'ipsets', observedAt: CONTEXT.observedFrom, sets: [] };
}

/** A rule as both sides name it; TRACE rules are there for the comparison only. */
function stepName(table: string, chain: string, text: string): string {
  return `${table}:${chain} ${text}`;
}

function isTrace(text: string): boolean {
  return / -j TRACE$/.test(text);
}

function hitName(hit: TraceHit): string {
  if (hit.verdict === 'POLICY_ACCEPT' || hit.verdict === 'POLICY_DROP') {
    return stepName(hit.table, hit.chain, `:${hit.chain} ${hit.verdict.slice(7)}`);
  }
  return stepName(hit.table, hit.chain, hit.text ?? '?');
}

/** iptables-save lists base chains that the kernel does not have: that their policy let a packet pass says nothing. */
function isPassed(name: string): boolean {
  return / :[A-Z]+ ACCEPT$/.test(name);
}

function kernelWay(trace: Trace): readonly string[] {
  return trace.hits
    .filter((hit) => !isTrace(hit.text ?? ''))
    .map(hitName)
    .filter((name) => !isPassed(name));
}

/** Steps of an outcome; those that only may match are left out when `withMaybe` is false. */
function walkWay(outcome: WalkOutcome): readonly { readonly name: string; readonly isSure: boolean }[] {
  return outcome.path
    .filter(({ text }) => !isTrace(text))
    .map(({ table, chain, text, matched }) => ({ name: stepName(table, chain, text), isSure: matched === 'yes' }))
    .filter(({ name }) => !isPassed(name));
}

/** Whether the kernel went this way, rule by rule. A way on which something was assumed is one of several. */
function wentThisWay(outcome: WalkOutcome, way: readonly string[]): boolean {
  const steps = walkWay(outcome);
  if (steps.some(({ isSure }) => !isSure)) return true;
  return steps.length === way.length && steps.every(({ name }, i) => name === way[i]);
}

const ENDS: Readonly<Partial<Record<TraceHit['verdict'], WalkOutcome['verdict']>>> = {
  DROP: 'drop',
  POLICY_DROP: 'drop',
  REJECT: 'reject',
};

/** What became of the packet, and the rule that ended it. */
function kernelEnd(trace: Trace): string {
  const last = trace.hits.at(-1);
  const verdict = last && ENDS[last.verdict];
  return last && verdict ? `${verdict} ${hitName(last)}` : 'accept';
}

function walkEnd({ verdict, table, chain, text }: WalkOutcome): string {
  return verdict === 'accept' ? 'accept' : `${verdict} ${stepName(table, chain, text)}`;
}

function describe(shot: Shot, result: WalkResult, trace: Trace | undefined): string {
  const { tuple, tcpFlags } = shot.plan;
  const ends = `${tuple.source}:${tuple.sourcePort} > ${tuple.destination}:${tuple.destinationPort}`;
  const way = (steps: readonly string[]) => steps.map((step) => `    ${step}`).join('\n');
  const found = result.outcomes.map(
    (outcome) =>
      `  walk: ${walkEnd(outcome)}\n${way(walkWay(outcome).map(({ name, isSure }) => (isSure ? name : `${name} ?`)))}`,
  );
  return [
    `${tuple.protocol} ${ends} ${tcpFlags.join()} ${JSON.stringify(tuple.icmp)} ${shot.packet.ctstate} by ${shot.link?.peer}`,
    ...found,
    trace ? `  kernel: ${kernelEnd(trace)}\n${way(kernelWay(trace))}` : '  kernel: no trace',
  ].join('\n');
}

function walk(ruleset: RulesetSnapshot, ipsets: IpsetSnapshot, shot: Shot): WalkResult {
  const length = ipPacket(shot.plan).length;
  return walkPacket({
    ruleset,
    ipsets,
    packet: { ...shot.packet, length },
    localAddresses: LOCAL_ADDRESSES,
    routes: ROUTES,
  });
}

function judge(tally: Tally, shot: Shot, result: WalkResult, trace: Trace | undefined, rules: string): void {
  tally.packets++;
  if (trace) {
    const kind = kernelEnd(trace).split(' ')[0] ?? '';
    tally.ends.set(kind, (tally.ends.get(kind) ?? 0) + 1);
    const agrees = result.outcomes.some(
      (outcome) => walkEnd(outcome) === kernelEnd(trace) && (!result.certain || wentThisWay(outcome, kernelWay(trace))),
    );
    if (agrees && result.certain) return void tally.certain++;
    if (agrees) return void tally.open++;
  }
  tally.disagreements.push(`${describe(shot, result, trace)}\n${tally.disagreements.length === 0 ? rules : ''}`);
}

/** Traces by the packet's IP id, which the monitor prints. */
function tracesById(text: string): ReadonlyMap<number, Trace> {
  const traces = new Map<number, Trace>();
  for (const item of decodeStream('xtables-trace', text, CONTEXT)) {
    if (item.kind !== 'trace') continue;
    const id = Number(/\bID=(\d+)/.exec(item.raw)?.[1]);
    traces.set(id, { hits: [...(traces.get(id)?.hits ?? []), ...item.hits] });
  }
  return traces;
}

async function fire(topology: Topology, shot: Shot): Promise<void> {
  for (const entry of shot.entries) await topology.conntrack(entry);
  const { link, plan } = shot;
  const bytes = link ? frame(plan, link.sourceMac, link.destinationMac) : ipPacket(plan);
  await topology.send(link?.peer ?? null, bytes.toString('hex'));
}

/** Sends packets and reads what the kernel says about them, by the packet's id. */
async function traced(
  topology: Topology,
  family: RulesetPlan['family'],
  ruleset: RulesetSnapshot,
  shots: readonly Shot[],
): Promise<ReadonlyMap<number, Trace>> {
  for (const shot of shots) await fire(topology, shot);
  const ids = shots.map(({ plan: { id } }) => (family === 'inet' ? `ID=${id} ` : `flowlabel ${id} `));
  const text = await topology.trace((lines) => ids.every((id) => lines.some((line) => line.includes(id))));
  return family === 'inet' ? tracesById(text) : tracesByLabel(text, ruleset, await handlesOf(topology, ruleset));
}

/** A reader of traces that ended, or was not listening yet, is tried again with other packets. */
const ATTEMPTS = 3;

/** Loads one ruleset, sends packets through it, and compares what the kernel did with what the walk says. */
export async function verifyRuleset(
  topology: Topology,
  plan: RulesetPlan,
  makeShots: () => readonly Shot[],
  tally: Tally,
): Promise<void> {
  const sets = setsOf(plan.sets === '' ? '' : await topology.loadSets(plan.sets));
  const saved = await topology.load(plan.family, plan.rules);
  const ruleset = rulesetOf(plan.family, saved);
  tally.rulesets++;
  for (let attempt = 1; ; attempt++) {
    const shots = makeShots();
    const traces = await traced(topology, plan.family, ruleset, shots);
    const isComplete = shots.every((shot) => traces.has(shot.plan.id));
    if (!isComplete && attempt < ATTEMPTS) {
      await topology.restartMonitor();
      continue;
    }
    for (const shot of shots) judge(tally, shot, walk(ruleset, sets, shot), traces.get(shot.plan.id), saved);
    return;
  }
}

/** Packets for one ruleset; `start` keeps their ends apart from those of other rulesets. */
export function shotsFor(random: Random, plan: RulesetPlan, count: number, start: number): readonly Shot[] {
  const traffic = new Traffic(random, plan, start);
  return Array.from({ length: count }, () => traffic.shot());
}
