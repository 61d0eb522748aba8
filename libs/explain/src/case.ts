import {
  type ConnectionQuery,
  type ConnectionVerdict,
  type ExplainedEnd,
  type OriginalDestination,
  policyTuple,
  effectiveTuple,
  tupleKey,
  type Tuple,
} from '@whydrop/model';
import type { RelatedFlows } from './related.js';
import { sentTuple } from './sent.js';
import type { Surroundings } from './surroundings.js';
import { type ClusterView, connectionEnd, explainEnd } from './view.js';
import { type Attempt, type FlowWitness, isEnd } from './witness.js';

/** An attempt with its ends and everything it is held against: what the rungs of the decision work on. */
export interface Case {
  readonly attempt: Attempt;
  readonly view: ClusterView;
  readonly surroundings: Surroundings;
  /** The tuple as the deciding rule sees it: after DNAT, before SNAT of that node. */
  readonly tuple: Tuple;
  /** The client as it sent the packet. */
  readonly source: ExplainedEnd;
  readonly sourcePort: number | undefined;
  /** The source as the deciding rule sees it: another than `source` only where SNAT stood between. */
  readonly judgedSource: ExplainedEnd;
  readonly destination: ExplainedEnd;
  readonly original: OriginalDestination | undefined;
  readonly translatedSource: string | undefined;
  /** Conntrack's records of this tuple and its reverse, beyond this attempt. */
  readonly related: RelatedFlows;
  /** What the policies say about the connection as the deciding rule sees it. Evaluated when first asked for. */
  readonly policies: ConnectionVerdict;
}

/** Whether something shows the packet as the deciding rule saw it. A trace that went on shows it on the way there. */
function isShown({ packets, verdicts }: Attempt): boolean {
  return verdicts.length > 0 || packets.some((witness) => witness.packet.kind === 'packet' || isEnd(witness));
}

/**
 * The tuple as the deciding rule sees it. A logged packet shows it. Else conntrack tells what left its node: on the
 * destination's own node that is judged before SNAT, on every other node after it.
 */
function judgedTuple(attempt: Attempt, view: ClusterView): Tuple {
  if (isShown(attempt)) return attempt.tuple;
  const last = attempt.flows.findLast(({ flow }) => effectiveTuple(flow) !== policyTuple(flow));
  if (!last) return attempt.tuple;
  const home = view.podsByIp(last.flow.reply.source)[0]?.node;
  return home === last.node ? policyTuple(last.flow) : effectiveTuple(last.flow);
}

/** The record of the first node, which knows the client's own view, when its NAT leads to the judged tuple. */
function beforeNat(attempt: Attempt, judged: Tuple): FlowWitness | undefined {
  const translated = attempt.flows.filter(({ flow }) => effectiveTuple(flow) !== flow.original);
  const key = translated.length > 0 ? tupleKey(judged) : '';
  return translated.find(({ flow }) => {
    const keys = [policyTuple(flow), effectiveTuple(flow)].map(tupleKey);
    return tupleKey(flow.original) !== key && keys.includes(key);
  });
}

/** The service that publishes a port on every node. */
function byNodePort({ destination, destinationPort, protocol }: Tuple, view: ClusterView) {
  if (destinationPort === undefined || !view.nodeByIp(destination)) return undefined;
  return view.state.services.find(({ ports }) =>
    ports.some((one) => one.nodePort === destinationPort && one.protocol === protocol),
  );
}

/** What a trace shows of the packet before DNAT, where no entry was made. */
function tracedBeforeNat({ packets }: Attempt, judged: Tuple): Tuple | undefined {
  const key = packets.some(isEnd) ? tupleKey(judged) : '';
  return packets.flatMap((witness) =>
    isEnd(witness) && tupleKey(witness.packet.tuple) === key ? (sentTuple(witness) ?? []) : [],
  )[0];
}

function originalOf(sent: Tuple | undefined, tuple: Tuple, view: ClusterView): OriginalDestination | undefined {
  if (!sent) return undefined;
  if (sent.destination === tuple.destination && sent.destinationPort === tuple.destinationPort) return undefined;
  const service = view.serviceByIp(sent.destination, sent.destinationPort, sent.protocol) ?? byNodePort(sent, view);
  return {
    destination: sent.destination,
    destinationPort: sent.destinationPort,
    service: service && { namespace: service.namespace, name: service.name },
  };
}

/** The question put to the policy engine, for the judged tuple or another port of it. */
export function policyQuery(
  ends: Pick<Case, 'judgedSource' | 'destination' | 'tuple'>,
  port = ends.tuple.destinationPort,
): ConnectionQuery {
  const { tuple } = ends;
  return {
    source: connectionEnd(ends.judgedSource),
    destination: connectionEnd(ends.destination),
    protocol: tuple.protocol,
    port,
    ...(tuple.icmp ? { icmp: { type: tuple.icmp.type, code: tuple.icmp.code } } : {}),
  };
}

/** Prepares an attempt for deciding: who both ends were at that time, what NAT did, what the policies say. */
export function openCase(attempt: Attempt, surroundings: Surroundings, related: RelatedFlows): Case {
  const view = surroundings.history.at(attempt.firstSeenAt);
  const tuple = judgedTuple(attempt, view);
  const end = (ip: string) => explainEnd(view, ip, (address) => surroundings.nodeOfAddress(address));
  const first = beforeNat(attempt, tuple);
  const client = first?.flow.original.source ?? tuple.source;
  const judgedSource = end(tuple.source);
  const destination = end(tuple.destination);
  let policies: ConnectionVerdict | undefined;
  return {
    attempt,
    view,
    surroundings,
    related,
    tuple,
    source: client === tuple.source ? judgedSource : end(client),
    sourcePort: first?.flow.original.sourcePort ?? tuple.sourcePort,
    judgedSource,
    destination,
    original: originalOf(first?.flow.original ?? tracedBeforeNat(attempt, tuple), tuple, view),
    translatedSource: client === tuple.source ? undefined : tuple.source,
    get policies() {
      return (policies ??= view.engine.evaluate(policyQuery({ judgedSource, destination, tuple })));
    },
  };
}
