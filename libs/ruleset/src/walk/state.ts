import type { ChainRule, Hook, IcmpTuple, Ipset, Protocol, RulesetSnapshot, TcpFlag, Tuple } from '@whydrop/model';
import { netContains, parseAddress, parseNet, type Address, type Net } from './address.js';

export type CtState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';

/**
 * A packet to be walked. What is absent is unknown, and makes an answer uncertain where a rule asks for it; `null` says
 * that there is none (no interface, not bridged).
 */
export interface WalkPacket {
  /** The hook where it is filtered; derived from the interfaces and the node's addresses when absent. */
  readonly hook?: Hook;
  readonly inInterface?: string | null;
  readonly outInterface?: string | null;
  /** Addresses and ports at the first chain of the path: before DNAT when the path begins in PREROUTING. */
  readonly tuple: Tuple;
  readonly tcpFlags?: readonly TcpFlag[];
  readonly ctstate?: CtState | 'unknown';
  readonly ctDirection?: 'ORIGINAL' | 'REPLY';
  /** Conntrack's original tuple where it differs from `tuple` (the path begins behind a DNAT). */
  readonly ctOriginal?: Tuple;
  /** Conntrack has translated its destination, or its source. */
  readonly isDnat?: boolean;
  readonly isSnat?: boolean;
  readonly mark?: number;
  readonly connmark?: number;
  /** Bridge ports. */
  readonly physicalIn?: string | null;
  readonly physicalOut?: string | null;
  /** Length at the IP layer in bytes. */
  readonly length?: number;
  readonly ttl?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly isFragment?: boolean;
  /** Whether the source is reachable through the interface the packet came in by (what `-m rpfilter` tests). */
  readonly reversePath?: boolean;
}

/** A 32-bit mark of which only the bits of `known` are known. */
export interface MarkBits {
  readonly value: number;
  readonly known: number;
}

export const ALL_BITS = 0xffffffff;
export const UNKNOWN_MARK: MarkBits = { value: 0, known: 0 };

/** Everything around the packet that rules ask for. */
export interface World {
  readonly ruleset: RulesetSnapshot;
  readonly ipsets: ReadonlyMap<string, Ipset> | undefined;
  /** The node's own addresses, with prefix length where it is known. */
  readonly localAddresses: readonly string[] | undefined;
  readonly localNets: readonly Net[] | undefined;
  /** Routes of the node, longest prefix first. */
  readonly routes: readonly { readonly net: Net; readonly outInterface: string }[] | undefined;
}

/** One route of the node, as far as the output interface goes. */
export interface Route {
  /** `10.2.0.0/16`, or `default`. */
  readonly destination: string;
  readonly interface: string;
}

/** One end of a tuple, as far as it is known. */
export interface End {
  readonly address: Address | undefined;
  readonly port: number | undefined;
}

/** One visited rule; a chain policy has position 0 and reads `:FORWARD DROP`. */
export interface WalkStep {
  readonly table: string;
  readonly chain: string;
  readonly position: number;
  readonly text: string;
  /** `maybe`: it depends on a fact that is not known; for the rest of this path it is taken to match. */
  readonly matched: 'yes' | 'maybe' | 'no';
  readonly rule: ChainRule | undefined;
}

/** Steps so far, last first: branches of a walk share their beginning. */
export interface StepList {
  readonly step: WalkStep;
  readonly before: StepList | undefined;
}

/** What kind of table a base chain belongs to: before conntrack, translating, filtering, or another. */
export type TableKind = 'raw' | 'nat' | 'filter' | 'other';

/** The packet and everything about it at one point of the walk. Never changed, only replaced. */
export interface WalkState {
  readonly hook: Hook;
  readonly table: string;
  readonly baseChain: string;
  readonly kind: TableKind;
  readonly inInterface: string | null | undefined;
  readonly outInterface: string | null | undefined;
  readonly physicalIn: string | null | undefined;
  readonly physicalOut: string | null | undefined;
  readonly protocol: Protocol;
  readonly source: End;
  readonly destination: End;
  readonly icmp: IcmpTuple | undefined;
  readonly packet: WalkPacket;
  readonly mark: MarkBits;
  readonly connmark: MarkBits;
  /** Conntrack states that are still possible. */
  readonly ct: readonly CtState[];
  readonly notrack: boolean;
  /** Counted down by routing; undefined when it is not known. */
  readonly ttl: number | undefined;
  /** Sent to the node itself by a REDIRECT. */
  readonly isRedirected: boolean;
  readonly isDnat: boolean | undefined;
  readonly isSnat: boolean | undefined;
  readonly original: { readonly source: End; readonly destination: End } | undefined;
  /** Undecided criteria that were taken to hold, or not to, on this branch. */
  readonly assumed: ReadonlyMap<string, boolean>;
  /** The same in words. */
  readonly assuming: readonly string[];
  readonly missing: readonly string[];
  readonly steps: StepList | undefined;
}

const CT_STATES: readonly CtState[] = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'];

/** Whether conntrack holds an entry for packets of this state. */
export function hasEntry(state: CtState): boolean {
  return state !== 'INVALID' && state !== 'UNTRACKED';
}

/** Both ends of a tuple, its addresses read once. */
export function ends(tuple: Tuple): { readonly source: End; readonly destination: End } {
  return {
    source: { address: parseAddress(tuple.source), port: tuple.sourcePort },
    destination: { address: parseAddress(tuple.destination), port: tuple.destinationPort },
  };
}

function knownMark(mark: number | undefined): MarkBits {
  return mark === undefined ? UNKNOWN_MARK : { value: mark >>> 0, known: ALL_BITS };
}

/** A packet that has just come in from a wire or a pod carries no mark; later in its way nothing is known of it. */
function firstMark(packet: WalkPacket, startsAtPrerouting: boolean): MarkBits {
  return knownMark(packet.mark ?? (startsAtPrerouting ? 0 : undefined));
}

/** Conntrack gives a new connection the mark 0. */
function firstConnmark(packet: WalkPacket): MarkBits {
  return knownMark(packet.connmark ?? (packet.ctstate === 'NEW' ? 0 : undefined));
}

/** The state at the first chain of a path. */
export function initialState(packet: WalkPacket, hook: Hook, table: string): WalkState {
  const startsFirst = hook === 'PREROUTING' || (hook === 'OUTPUT' && table !== 'filter' && table !== 'security');
  const { source, destination } = ends(packet.tuple);
  const isNew = packet.ctstate === 'NEW';
  const original = packet.ctOriginal ?? (isNew && startsFirst ? packet.tuple : undefined);
  return {
    hook,
    table,
    baseChain: hook,
    kind: table === 'raw' || table === 'nat' || table === 'filter' ? table : 'other',
    inInterface: packet.inInterface,
    outInterface: packet.outInterface,
    physicalIn: packet.physicalIn,
    physicalOut: packet.physicalOut,
    protocol: packet.tuple.protocol,
    source,
    destination,
    icmp: packet.tuple.icmp,
    packet,
    mark: firstMark(packet, hook === 'PREROUTING'),
    connmark: firstConnmark(packet),
    ct: packet.ctstate === undefined || packet.ctstate === 'unknown' ? CT_STATES : [packet.ctstate],
    notrack: false,
    ttl: packet.ttl,
    isRedirected: false,
    isDnat: packet.isDnat ?? (isNew && startsFirst ? false : undefined),
    isSnat: packet.isSnat ?? (isNew && startsFirst ? false : undefined),
    original: original && ends(original),
    assumed: new Map(),
    assuming: [],
    missing: [],
    steps: undefined,
  };
}

/** Conntrack states a rule can see here: in raw, conntrack has not looked yet (except at what came over loopback). */
export function visibleStates(state: WalkState): readonly CtState[] {
  if (state.notrack) return ['UNTRACKED'];
  if (state.kind === 'raw' && state.inInterface !== 'lo') return ['INVALID'];
  return state.ct;
}

function routeTo(world: World, state: WalkState): string | undefined {
  const { address } = state.destination;
  if (address === undefined || state.isRedirected) return undefined;
  return world.routes?.find(({ net }) => netContains(net, address))?.outInterface;
}

/**
 * The interface a rule can see at this hook: none that the kernel does not know yet, or no longer. Behind routing the
 * input interface of a forwarded packet is passed on by newer kernels only.
 */
export function visibleInterface(
  state: WalkState,
  side: 'inInterface' | 'outInterface',
  world: World,
): string | null | undefined {
  if (side === 'outInterface') {
    if (state.hook === 'PREROUTING' || state.hook === 'INPUT') return null;
    return state.outInterface === undefined ? routeTo(world, state) : state.outInterface;
  }
  if (state.hook === 'OUTPUT') return null;
  return state.hook === 'POSTROUTING' && state.inInterface !== null ? undefined : state.inInterface;
}

/** What `createWorld` is made from. */
export interface WorldFacts {
  readonly ruleset: RulesetSnapshot;
  readonly ipsets: readonly Ipset[] | undefined;
  readonly localAddresses: readonly string[] | undefined;
  readonly routes: readonly Route[] | undefined;
}

function routesOf(routes: readonly Route[]): NonNullable<World['routes']> {
  return routes
    .flatMap(({ destination, interface: outInterface }) => {
      const texts = destination === 'default' ? ['0.0.0.0/0', '::/0'] : [destination];
      return texts.map((text) => ({ net: parseNet(text), outInterface }));
    })
    .flatMap(({ net, outInterface }) => (net ? [{ net, outInterface }] : []))
    .toSorted((a, b) => b.net.prefix - a.net.prefix);
}

/** Makes the facts around a packet ready to be asked. */
export function createWorld({ ruleset, ipsets, localAddresses, routes }: WorldFacts): World {
  return {
    ruleset,
    ipsets: ipsets && new Map(ipsets.map((set) => [set.name, set])),
    localAddresses: localAddresses?.map((text) => text.split('/')[0] ?? text),
    localNets: localAddresses?.map(parseNet).filter((net) => net !== undefined),
    routes: routes && routesOf(routes),
  };
}
