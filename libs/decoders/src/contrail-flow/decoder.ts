import { protocolFromNumber } from '@whydrop/model';
import type { Denial, FlowEnds, FlowVerdict, FlowVerdictObservation, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { isReject, reject } from '../lines.js';
import { flowEnds, flowVerdict } from '../verdict.js';
import { entriesOf } from './entry.js';
import type { ContrailEntry } from './entry.js';

/** The two entries of one connection; `reverse` may be evicted already. */
export interface ContrailFlow {
  readonly forward: ContrailEntry;
  readonly reverse: ContrailEntry | undefined;
}

/** Reasons of the firewall policies, where Kubernetes NetworkPolicy lives, and of its neighbours. */
const FIREWALL_POLICY = /^(?:Rev)?(?:Out)?FwPolicy$/;

/** The side that opened the connection: its entry saw the SYN itself, or counts packets where the other does not. */
function isInitiator(entry: ContrailEntry, other: ContrailEntry): boolean {
  const saw = (flow: ContrailEntry): boolean => flow.tcp.includes('S');
  if (saw(entry) !== saw(other)) return saw(entry);
  if (entry.packets > 0n !== other.packets > 0n) return entry.packets > 0n;
  return entry.line <= other.line && entry.index !== other.index;
}

function pairOf(entry: ContrailEntry, byIndex: ReadonlyMap<number, ContrailEntry>): ContrailFlow {
  const other = entry.reverseIndex === undefined ? undefined : byIndex.get(entry.reverseIndex);
  const reverse = other?.reverseIndex === entry.index && other !== entry ? other : undefined;
  if (!reverse || isInitiator(entry, reverse)) return { forward: entry, reverse };
  return { forward: reverse, reverse: entry };
}

/** Entries of a connection are not neighbours: all are read before any is paired. */
function* decode(payload: string, context: StreamContext): Generator<ContrailFlow | Reject> {
  const byIndex = new Map<number, ContrailEntry>();
  for (const entry of entriesOf(payload, context.firstLine)) {
    if (isReject(entry)) yield entry;
    else byIndex.set(entry.index, entry);
  }
  const done = new Set<ContrailEntry>();
  for (const entry of byIndex.values()) {
    if (done.has(entry)) continue;
    const pair = pairOf(entry, byIndex);
    done.add(pair.forward);
    if (pair.reverse) done.add(pair.reverse);
    yield pair;
  }
}

/** The entry that drops and says why: the reason stands on one of the two, the other says Unknown. */
function dropping(flow: ContrailFlow): ContrailEntry | undefined {
  const drops = [flow.forward, flow.reverse].filter((entry) => entry?.action === 'D');
  return drops.find((entry) => entry?.reason !== 'Unknown' && entry?.reason !== undefined) ?? drops[0];
}

function verdictOf(flow: ContrailFlow): FlowVerdict {
  if (dropping(flow)) return 'dropped';
  return flow.forward.action === 'F' || flow.forward.action === 'N' ? 'allowed' : 'unknown';
}

function denialOf(reason: string | undefined): Denial | undefined {
  if (reason === undefined || reason === 'Unknown') return undefined;
  return FIREWALL_POLICY.test(reason) ? 'policy' : 'other';
}

/** The vRouter keys an echo by its id in the place of the source port. */
function icmpOf(entry: ContrailEntry): FlowEnds['icmp'] {
  const echo = entry.protocol === 1 ? 8 : 128;
  return entry.source.port === 0 ? undefined : { type: echo, code: 0, id: entry.source.port };
}

function endsOf(entry: ContrailEntry, destination: ContrailEntry['destination']): FlowEnds | undefined {
  const protocol = protocolFromNumber(entry.protocol);
  const addresses = {
    source: canonicalAddress(entry.source.address),
    destination: canonicalAddress(destination.address),
  };
  if (addresses.source === undefined || addresses.destination === undefined || entry.protocol > 255) return undefined;
  if (protocol === 'ICMP' || protocol === 'ICMPv6') return flowEnds({ protocol, ...addresses, icmp: icmpOf(entry) });
  return flowEnds({ protocol, ...addresses, sourcePort: entry.source.port, destinationPort: destination.port });
}

/** Where the first packet came from: an interface of this node, or another node. */
function reporterOf(entry: ContrailEntry): 'source' | 'destination' | undefined {
  if (entry.sourceInfo === undefined || entry.sourceInfo === '0.0.0.0') return undefined;
  return entry.sourceInfo.endsWith('.0.0') ? 'source' : 'destination';
}

/** Policy sees the destination after DNAT, which is the source of the reverse entry. */
function judgedDestination(flow: ContrailFlow): ContrailEntry['destination'] {
  const translated = flow.forward.action === 'N' && flow.forward.reason?.includes('D') === true;
  return translated && flow.reverse ? flow.reverse.source : flow.forward.destination;
}

function normalise(flow: ContrailFlow, context: StreamContext): FlowVerdictObservation | Reject {
  const { forward, reverse } = flow;
  const raw = reverse ? `${forward.raw}\n${reverse.raw}` : forward.raw;
  if (context.observedFrom === undefined) return reject('NO_TIME', forward.line, raw, 'The listing has no time.');
  const destination = judgedDestination(flow);
  const ends = endsOf(forward, destination);
  if (!ends) return reject('BAD_VALUE', forward.line, raw, 'An address or the protocol is not valid.');
  const reason = dropping(flow)?.reason;
  return flowVerdict({
    emitter: 'contrail',
    observedAt: context.observedFrom,
    verdict: verdictOf(flow),
    denial: denialOf(reason),
    reporter: reporterOf(forward),
    ends,
    original: destination === forward.destination ? undefined : endsOf(forward, forward.destination),
    reason,
    packets: forward.packets,
    bytes: forward.bytes,
    raw,
    line: forward.line,
  });
}

export const contrailFlow: Decoder<ContrailFlow> = {
  format: 'contrail-flow',
  doc: '`flow -l` and `flow --match` of the Contrail / Tungsten Fabric vRouter, with or without their line breaks (tf-vrouter `utils/flow.c`)',
  decode,
  normalise,
};
