import {
  effectiveTuple,
  type FlowObservation,
  type FlowVerdictObservation,
  type Instant,
  type PacketObservation,
  policyTuple,
  type TraceObservation,
  type Tuple,
  tupleKey,
} from '@whydrop/model';
import { sentTuple } from './sent.js';

/** A conntrack record with the node that reported it. */
export interface FlowWitness {
  readonly node: string;
  readonly flow: FlowObservation;
}

/** A logged or traced packet with the node that reported it. */
export interface PacketWitness {
  readonly node: string;
  readonly packet: PacketObservation | TraceObservation;
}

/** A flow with the verdict that its emitter logged. Only records that name both addresses bear on a connection. */
export interface VerdictWitness {
  readonly node: string;
  readonly verdict: FlowVerdictObservation;
  readonly tuple: Tuple;
}

export interface Witnesses {
  readonly flows: readonly FlowWitness[];
  readonly packets: readonly PacketWitness[];
  readonly verdicts: readonly VerdictWitness[];
}

/** Everything that was seen of one connection attempt, in order of time. */
export interface Attempt extends Witnesses {
  /** Key of the tuple a policy in FORWARD judges; what the drop is known by. */
  readonly key: string;
  readonly tuple: Tuple;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  /** When its last packet was seen; conntrack's later word about the entry (expiry) is no packet. */
  readonly lastPacketAt: Instant;
}

/** Longest pause between two tries of one TCP connect (1, 2, 4 … 64 s, and something for slow timers), in µs. */
const TCP_PAUSE = 130_000_000;
/** Conntrack forgets an unanswered datagram after 30 s. */
const DATAGRAM_PAUSE = 30_000_000;

interface Timed {
  readonly at: Instant;
  readonly node: string;
  readonly keys: readonly string[];
  readonly flow: FlowWitness | undefined;
  readonly packet: PacketWitness | undefined;
  readonly verdict: VerdictWitness | undefined;
}

/** Keys of the tuples that a flow is seen as on its way; one where nothing is translated. */
export function flowKeys(flow: FlowObservation): readonly string[] {
  const [original, judged, left] = [flow.original, policyTuple(flow), effectiveTuple(flow)];
  if (judged === original && left === original) return [tupleKey(original)];
  return [...new Set([original, judged, left].map(tupleKey))];
}

function timedFlow(witness: FlowWitness): Timed {
  const { flow } = witness;
  const keys = flowKeys(flow);
  return { at: flow.observedAt, node: witness.node, keys, flow: witness, packet: undefined, verdict: undefined };
}

function timedPacket(witness: PacketWitness): Timed {
  const { packet, node } = witness;
  const sent = sentTuple(witness);
  // A connect that is dropped before it is confirmed has no entry to bind it: each retry may draw another endpoint.
  const keys = sent ? [tupleKey(packet.tuple), tupleKey(sent)] : [tupleKey(packet.tuple)];
  return { at: packet.observedAt, node, keys, flow: undefined, packet: witness, verdict: undefined };
}

function timedVerdict(witness: VerdictWitness): Timed {
  const { verdict, tuple, node } = witness;
  const sent = verdict.original;
  const original =
    sent?.source === undefined || sent.destination === undefined
      ? []
      : [{ ...sent, source: sent.source, destination: sent.destination }];
  const keys = [tuple, ...original].map(tupleKey);
  return { at: verdict.observedAt, node, keys, flow: undefined, packet: undefined, verdict: witness };
}

/**
 * A trace prints neither type nor id of an echo. Where another record of the same time and ends knows them, it is the
 * same echo.
 */
function withEchoes(items: readonly Timed[]): readonly Timed[] {
  const isBare = ({ packet }: Timed) => packet?.packet.tuple.protocol === 'ICMP' && !packet.packet.tuple.icmp;
  if (!items.some(isBare)) return items;
  const known = new Map<string, { readonly at: Instant; readonly keys: readonly string[] }[]>();
  for (const item of items) {
    if (isBare(item)) continue;
    for (const key of item.keys.filter((each) => each.startsWith('ICMP '))) {
      const ends = key.slice(0, key.indexOf('#'));
      known.set(ends, [...(known.get(ends) ?? []), { at: item.at, keys: item.keys }]);
    }
  }
  return items.map((item) => {
    const echoes = isBare(item) ? (known.get(item.keys[0] ?? '') ?? []) : [];
    const near = echoes.filter(({ at }) => Math.abs(at - item.at) <= DATAGRAM_PAUSE);
    const nearest = near.toSorted((a, b) => Math.abs(a.at - item.at) - Math.abs(b.at - item.at))[0];
    return nearest ? { ...item, keys: nearest.keys } : item;
  });
}

/** Union-find over tuple keys, numbered in the order in which they come: tuples that NAT joins are one conversation. */
function conversations(items: readonly Timed[]): readonly (readonly Timed[])[] {
  const numbers = new Map<string, number>();
  const parent: number[] = [];
  const numberOf = (key: string): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, parent.length);
    return parent.push(parent.length) - 1;
  };
  const root = (start: number): number => {
    let at = start;
    for (let up = parent[at]; up !== undefined && up !== at; up = parent[at]) at = up;
    return at;
  };
  const places = items.map(({ keys: [key = '', ...others] }) => {
    const first = numberOf(key);
    for (const other of others) parent[root(numberOf(other))] = root(first);
    return first;
  });
  const groups: Timed[][] = [];
  for (const [at, item] of items.entries()) (groups[root(places[at] ?? 0)] ??= []).push(item);
  return groups.filter((group) => group !== undefined);
}

function isSyn(item: Timed): boolean {
  const flags = item.packet?.packet.tcpFlags;
  return flags !== undefined && flags.includes('SYN') && !flags.includes('ACK');
}

/** The sequence number a connect began with; retries repeat it, a new connect on the same ports draws another. */
function initialSequence(item: Timed): number | undefined {
  return isSyn(item) ? item.packet?.packet.tcpSequence : undefined;
}

function beginsAnother(item: Timed, last: Timed, sequence: number | undefined, pause: number): boolean {
  if (item.at - last.at > pause) return true;
  const own = initialSequence(item);
  return own !== undefined && sequence !== undefined && own !== sequence;
}

/** Conntrack of one node begins an entry anew: the one it had for this tuple is gone, and its attempt is over. */
function isNewEntry(item: Timed, current: readonly Timed[]): boolean {
  const flow = item.flow?.flow;
  if (flow?.event !== 'new') return false;
  const key = tupleKey(flow.original);
  return current.some(
    (other) =>
      other.node === item.node && other.flow?.flow.event === 'new' && tupleKey(other.flow.flow.original) === key,
  );
}

/** A packet after the end of a connection that had been answered: late, or of an entry that had expired. */
function comesAfterEnd(item: Timed, current: readonly Timed[]): boolean {
  if (!item.packet) return false;
  return current.some(({ flow }) => flow?.flow.event === 'destroy' && (flow.flow.assured || !flow.flow.unreplied));
}

/**
 * Cuts a conversation into attempts: at long pauses, at a new conntrack entry, at another initial sequence number, after the
 * end of an answered connection.
 */
function cut(items: readonly Timed[]): readonly (readonly Timed[])[] {
  const attempts: Timed[][] = [];
  let current: Timed[] = [];
  let sequence: number | undefined;
  for (const item of items) {
    const last = current.at(-1);
    const protocol = (item.flow?.flow.original ?? item.packet?.packet.tuple ?? item.verdict?.tuple)?.protocol;
    const pause = protocol === 'TCP' ? TCP_PAUSE : DATAGRAM_PAUSE;
    // A late DESTROY belongs to the attempt whose entry ends with it, however long that stood.
    const ends = item.flow?.flow.event === 'destroy' || item.flow?.flow.event === 'update';
    const another = () =>
      last !== undefined &&
      (beginsAnother(item, last, sequence, pause) || isNewEntry(item, current) || comesAfterEnd(item, current));
    if (!ends && another()) {
      attempts.push(current);
      current = [];
      sequence = undefined;
    }
    current.push(item);
    sequence ??= initialSequence(item);
  }
  if (current.length > 0) attempts.push(current);
  return attempts;
}

/** By code units: the same on every machine, whatever its language. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A stable order whatever the order of arrival: time, then node, then what was said. */
function byTime(a: Timed, b: Timed): number {
  if (a.at !== b.at) return a.at - b.at;
  return compareText(a.node, b.node) || compareText(rawOf(a), rawOf(b)) || compareText(wayOf(a), wayOf(b));
}

function rawOf(item: Timed): string {
  return item.flow?.flow.raw ?? item.packet?.packet.raw ?? item.verdict?.verdict.raw ?? '';
}

/** Rules that a traced packet met: of a trace that was cut between two hooks, both parts begin with the same line. */
function wayOf({ packet }: Timed): string {
  if (packet?.packet.kind !== 'trace') return '';
  return packet.packet.hits.map((hit) => `${hit.table} ${hit.chain} ${hit.handle ?? ''} ${hit.verdict}`).join('\n');
}

const ENDED: ReadonlySet<string> = new Set(['DROP', 'REJECT', 'POLICY_DROP']);

/** Whether the packet's trace ends with it: the nodes before let it go on. */
export function isEnd({ packet }: PacketWitness): boolean {
  return packet.kind === 'trace' && ENDED.has(packet.hits.at(-1)?.verdict ?? '');
}

/** Keys of the tuples with which packets left nodes that translated their source. */
function leftAs(items: readonly Timed[]): ReadonlySet<string> | undefined {
  let left: Set<string> | undefined;
  for (const { flow: witness } of items) {
    if (!witness || effectiveTuple(witness.flow) === policyTuple(witness.flow)) continue;
    (left ??= new Set()).add(tupleKey(effectiveTuple(witness.flow)));
  }
  return left;
}

/**
 * The packet as it looked where it was last seen: where its trace ends, else behind the SNAT that conntrack knows of. The
 * nodes before let it go on.
 */
function furthestPacket(items: readonly Timed[]): PacketWitness['packet'] | undefined {
  const first = items.find(({ packet }) => packet)?.packet;
  if (!first) return undefined;
  const packet = (fits: (witness: PacketWitness) => boolean) =>
    items.find((item) => item.packet && fits(item.packet))?.packet?.packet;
  const ended = packet(isEnd);
  const left = leftAs(items);
  const translated = left && packet((witness) => left.has(tupleKey(witness.packet.tuple)));
  // A trace does not tell the id of an echo, a log does.
  const telling = packet(({ packet: { tuple } }) => tuple.protocol !== 'ICMP' || tuple.icmp !== undefined);
  return ended?.tuple.protocol === 'ICMP' ? (telling ?? ended) : (ended ?? translated ?? telling ?? first.packet);
}

/** The tuple as the deciding rule sees it: what a packet log shows, else the flow's after DNAT and before SNAT. */
function judgedTuple(items: readonly Timed[]): Tuple | undefined {
  const shown = furthestPacket(items)?.tuple ?? items.find((item) => item.verdict)?.verdict?.tuple;
  if (shown) return shown;
  const natted = items.find(({ flow }) => flow && policyTuple(flow.flow) !== flow.flow.original);
  const first = natted?.flow ?? items.find((item) => item.flow)?.flow;
  return first && policyTuple(first.flow);
}

function lastPacket(items: readonly Timed[], first: Instant): Instant {
  const last = items.findLast((item) => item.packet ?? item.verdict ?? item.flow?.flow.event === 'new');
  return last?.at ?? first;
}

/** A conntrack entry that only begins when the connection is picked up in its middle may run backwards. */
function attemptOf(items: readonly Timed[]): readonly Attempt[] {
  const tuple = judgedTuple(items);
  const [first, last] = [items[0], items.at(-1)];
  if (!tuple || !first || !last) return [];
  return [
    {
      key: tupleKey(tuple),
      tuple,
      firstSeenAt: first.at,
      lastSeenAt: last.at,
      lastPacketAt: lastPacket(items, first.at),
      flows: items.flatMap((item) => item.flow ?? []),
      packets: items.flatMap((item) => item.packet ?? []),
      verdicts: items.flatMap((item) => item.verdict ?? []),
    },
  ];
}

/** The same line of the same node twice is one record that was shipped twice: two events never look alike to the letter. */
function isTwice(item: Timed, last: Timed | undefined): boolean {
  if (!last || item.verdict || last.verdict || item.at !== last.at || item.node !== last.node) return false;
  return rawOf(item) !== '' && rawOf(item) === rawOf(last) && wayOf(item) === wayOf(last);
}

/** Sorts witnesses into connection attempts. The order in which they are given does not matter. */
export function attemptsOf(witnesses: Witnesses): readonly Attempt[] {
  const { flows, packets, verdicts } = witnesses;
  const sorted = [...flows.map(timedFlow), ...packets.map(timedPacket), ...verdicts.map(timedVerdict)].toSorted(byTime);
  const items = sorted.filter((item, at) => !isTwice(item, sorted[at - 1]));
  return conversations(withEchoes(items))
    .flatMap((conversation) => cut(conversation))
    .flatMap(attemptOf)
    .toSorted((a, b) => a.firstSeenAt - b.firstSeenAt || compareText(a.key, b.key));
}

/** Lines that an attempt's records were read from: the same whatever else comes to be known, other than its times and tuple. */
export function rawLines({ flows, packets, verdicts }: Attempt): readonly string[] {
  const records = [...flows.map(({ flow }) => flow), ...packets.map(({ packet }) => packet)];
  return [...records.map(({ raw }) => raw), ...verdicts.map(({ verdict }) => verdict.raw)];
}
