import {
  type Cause,
  cidrContains,
  type EvidenceItem,
  type Finding,
  type IpValue,
  parseCidr,
  parseIp,
  type PolicyDirection,
  type Route,
} from '@whydrop/model';
import type { Case } from './case.js';
import { counterItem } from './counter-evidence.js';
import { countersAround, type MetCounter } from './ruleset-walk.js';
import { type FlowPicture, flowItem, flowPictures } from './conntrack-evidence.js';
import { ALLOWED, type Decision, type Draft, PENDING } from './draft.js';
import { causeOfOwner } from './observed-rung.js';
import { type HostCause, lostBehindNode, lostOnNode } from './host-rung.js';
import { unfitBackend } from './backend-rung.js';
import { policyFacts, wasDenied } from './policy-rung.js';
import { chainRuleRef } from './chain-rule-ref.js';
import type { FlowWitness } from './witness.js';

/** How long an answer may take before "unanswered" means something, in µs. */
export const SETTLE_MICROS = 1_500_000;

interface Trail {
  readonly subject: Case;
  readonly pictures: readonly FlowPicture[];
  readonly items: readonly EvidenceItem[];
}

function undecided(trail: Trail, missing: readonly string[], extra: Partial<Draft> = {}): Draft {
  return {
    verdict: 'unknown',
    cause: 'UNDECIDED',
    direction: null,
    basis: 'unknown',
    evidence: trail.items,
    missing,
    ...extra,
  };
}

function failed(trail: Trail, cause: Cause, extra: Partial<Draft> = {}): Draft {
  return { verdict: 'failed', cause, direction: null, basis: 'observed', evidence: trail.items, ...extra };
}

function countedDraft(trail: Trail, node: string, moved: MetCounter): Draft {
  const { subject } = trail;
  const { delta, owner } = moved;
  const byOwner = causeOfOwner(owner);
  const facts = byOwner === 'policy' ? policyFacts(subject, 'ingress', owner) : { cause: byOwner };
  const rule = delta.rule ?? { position: 0, text: `:${delta.chain} ${delta.chainPolicy}` };
  return {
    ...facts,
    verdict: delta.rule?.target === 'REJECT' ? 'rejected' : 'dropped',
    direction: byOwner === 'policy' ? 'ingress' : null,
    basis: 'counted',
    enforcementPoint: { node, hook: 'FORWARD', interface: owner?.interface, workload: owner?.workload },
    chainRule: chainRuleRef(node, delta.table, delta.chain, rule, owner),
    via: moved.via,
    evidence: [...trail.items, counterItem(node, moved)],
    assumptions: [
      ...(facts.assumptions ?? []),
      'no other client met this rule in that time: the counter does not tell who it counted',
    ],
    counted: delta.packets,
  };
}

function noneCountedFinding(node: string): Finding {
  const sentence = `The policies in force deny this, yet no rule of node ${node} counted a drop in that time: the packet did not get there, or the node lets it through.`;
  return { code: 'INTENT_DENIES_NOTHING_COUNTED', policy: undefined, path: undefined, sentence };
}

/** The policies at the destination deny: the counters of its node confirm it, are silent, or are not known. */
function ingressDenied(trail: Trail, node: string): Draft {
  const { subject } = trail;
  const { moved, complete } = countersAround(subject, node);
  const policyRule =
    moved.find(({ owner }) => causeOfOwner(owner) === 'policy') ?? (moved.length === 1 ? moved[0] : undefined);
  if (policyRule) return countedDraft(trail, node, policyRule);
  const facts = policyFacts(subject, 'ingress', undefined);
  if (complete) {
    const late = wasDenied(subject, 'ingress') ? [noneCountedFinding(node)] : [];
    const findings = [...late, ...(facts.findings ?? [])];
    return undecided(trail, [`where the packet went: no drop rule of node ${node} counted it`], {
      findings,
      policies: facts.policies ?? [],
    });
  }
  const missing = [`counters of node ${node} before and after that time`, ...(facts.missing ?? [])];
  const enforcementPoint = { node, hook: 'FORWARD', interface: undefined, workload: undefined };
  return {
    ...facts,
    verdict: 'dropped',
    direction: 'ingress',
    basis: 'derived',
    enforcementPoint,
    evidence: trail.items,
    missing,
  };
}

/** A node lets through what policies deny; none while it may still be following a change of what is written. */
function passedFindings({ subject }: Trail, direction: PolicyDirection, node: string): readonly Finding[] {
  if (subject.policies[direction].verdict !== 'denied') return [];
  return wasDenied(subject, direction) ? [passedFinding(direction, node)] : [];
}

function passedFinding(direction: PolicyDirection, node: string): Finding {
  const sentence = `The policies in force deny this on ${direction}, yet node ${node} let it through: its conntrack confirmed the connection.`;
  return { code: 'INTENT_DENIES_NODE_PASSES', policy: undefined, path: undefined, sentence };
}

/** A cause that the node told of itself: it fits in time, so the answer leans on that and says so. */
function byHost(trail: Trail, { cause, item, assumption }: HostCause, extra: Partial<Draft> = {}): Draft {
  const assumptions = assumption === undefined ? [] : [assumption];
  return failed({ ...trail, items: [...trail.items, item] }, cause, { basis: 'derived', assumptions, ...extra });
}

/** The destination's node confirmed the connection: every rule let it through, what failed is behind. */
function reachedPod(trail: Trail, picture: FlowPicture): Draft {
  const { subject } = trail;
  const findings = passedFindings(trail, 'ingress', picture.node);
  if (picture.state === 'reset') return failed(trail, 'PORT_CLOSED', { findings });
  const behind = lostBehindNode(subject, picture.node);
  if (behind) return byHost(trail, behind, { findings });
  const missing = ['what the pod did with it: listen queue and application are not seen from the node'];
  return undecided(trail, missing, { verdict: 'failed', findings });
}

/** Policies allow it and the destination's node has no entry: it died on that node, or never got there. */
function lostBefore(trail: Trail, node: string): Draft {
  const { subject } = trail;
  const { firstSeenAt, lastPacketAt } = subject.attempt;
  const { moved, complete } = countersAround(subject, node);
  const [only] = moved;
  if (only && moved.length === 1) return countedDraft(trail, node, only);
  if (moved.length > 1) {
    const which = moved.map(({ delta }) => `${delta.table} ${delta.chain}`).join(', ');
    return undecided(trail, [`which of the rules that counted drops in that time met it: ${which}`]);
  }
  const said = lostOnNode(subject, node);
  if (said) return byHost(trail, said);
  const dead = deadRoute(trail);
  if (dead) return noRoute(trail, dead);
  const missing: string[] = [];
  if (!complete) missing.push(`counters of node ${node} before and after that time`);
  if (!subject.surroundings.covered(node, 'conntrack', firstSeenAt, lastPacketAt)) {
    missing.push(`the conntrack of node ${node} without a gap around that time`);
  }
  if (missing.length > 0) return undecided(trail, missing);
  return failed(trail, 'CLOUD_SG_NACL', { basis: 'derived' });
}

/** Whether an address is one that some node gives to pods. */
function inPodNetwork({ view, destination }: Case): boolean {
  const ip = parseIp(destination.ip);
  return ip !== undefined && view.state.nodes.some((node) => node.podCidrs.some((network) => contains(network, ip)));
}

const NO_WAY = new Set(['blackhole', 'unreachable', 'prohibit']);

interface DeadRoute {
  readonly node: string;
  readonly route: Route;
}

/** A route by which a node that forwarded the packet gives up on its destination, the longest prefix deciding. */
function deadRoute({ subject, pictures }: Trail): DeadRoute | undefined {
  const { destination, attempt, surroundings } = subject;
  const ip = parseIp(destination.ip);
  const home = subject.view.state.nodes.find((node) => ip && node.podCidrs.some((text) => contains(text, ip)))?.name;
  const nodes = [...new Set([...pictures.map(({ node }) => node), ...(home === undefined ? [] : [home])])];
  for (const node of nodes) {
    const routes = surroundings.routes(node, attempt.firstSeenAt) ?? [];
    const matching = routes.filter(({ destination: to }) => to !== 'default' && ip !== undefined && contains(to, ip));
    const best = matching.toSorted((a, b) => prefixOf(b.destination) - prefixOf(a.destination))[0];
    if (best && NO_WAY.has(best.type)) return { node, route: best };
  }
  return undefined;
}

function contains(network: string, ip: IpValue): boolean {
  const cidr = parseCidr(network);
  return cidr !== undefined && cidrContains(cidr, ip);
}

function prefixOf(network: string): number {
  return parseCidr(network)?.prefix ?? 0;
}

function noRoute(trail: Trail, { node, route }: DeadRoute): Draft {
  const shows = `node ${node} has a ${route.type} route to ${route.destination}`;
  const observedAt = trail.subject.attempt.firstSeenAt;
  const item = { channel: 'ruleset', node, observedAt, shows, raw: undefined } as const;
  return failed({ ...trail, items: [...trail.items, item] }, 'NO_ROUTE', { basis: 'derived' });
}

/** How much later than its address is used a pod's status may show it, in µs. */
const STATUS_LATE = 10_000_000;

/** No pod is known to have had an address of the pod network, as far as pods are known. */
function podGone(trail: Trail): Draft {
  const { destination, view, surroundings, attempt } = trail.subject;
  const pods = view.state.pods.length > 0;
  if (!pods) return undecided(trail, [`whose address ${destination.ip} was: no pods are known as of then`]);
  const [next] = surroundings.history.at(attempt.firstSeenAt + STATUS_LATE).podsByIp(destination.ip);
  if (!next) return failed(trail, 'POD_GONE', { basis: 'derived' });
  const name = `${next.namespace}/${next.name}`;
  return undecided(trail, [
    `whether ${destination.ip} was the address of pod ${name} already: its status shows it later`,
  ]);
}

/** Where the destination is no known pod. */
function elsewhere(trail: Trail): Draft {
  const { destination } = trail.subject;
  const dead = deadRoute(trail);
  if (dead) return noRoute(trail, dead);
  if (destination.role === 'node' && destination.node !== undefined) return lostBefore(trail, destination.node);
  if (inPodNetwork(trail.subject)) return podGone(trail);
  return undecided(trail, [`what happened at ${destination.ip}: it is not part of the cluster`]);
}

/** The packet left for the service's own address: no node had an endpoint to translate it to, or did not know it. */
function untranslated(trail: Trail): Draft {
  const { destination, tuple, view, attempt } = trail.subject;
  const service = view.serviceByIp(destination.ip, tuple.destinationPort, tuple.protocol);
  if (!service) return undecided(trail, [`a service at ${destination.ip} that has port ${tuple.destinationPort}`]);
  const name = `${service.namespace}/${service.name}`;
  const own = view.state.backends.filter(
    (entry) => entry.namespace === service.namespace && entry.service === service.name,
  );
  if (own.some((entry) => entry.ready))
    return undecided(trail, [`why the address of service ${name} was not translated`]);
  const shows = `service ${name} had ${own.length === 0 ? 'no' : 'no ready'} endpoints`;
  const item = { channel: 'policy', node: undefined, observedAt: attempt.firstSeenAt, shows, raw: undefined } as const;
  return failed({ ...trail, items: [...trail.items, item] }, 'NO_ENDPOINTS', { basis: 'derived' });
}

const SILENT: Partial<Draft> = {
  basis: 'derived',
  assumptions: ['the client gave up waiting: it sent data, got none back, and the connection was reset'],
};

/**
 * The connection stood, data went one way only, and it was reset in the end. One that is closed in peace may have had
 * nothing to answer.
 */
function isSilent({ flow }: FlowWitness): boolean {
  const { event, state, unreplied, original, originalCounters: sent, replyCounters: got } = flow;
  if (event !== 'destroy' || state !== 'CLOSE' || unreplied || !sent || !got) return false;
  const version = original.source.includes(':') ? 20n : 0n;
  // Headers of TCP over IPv4 take up to 60 bytes in a SYN and 52 after it, as Linux sends them: what is above is data.
  const headers = (packets: bigint) => 60n + (packets - 1n) * 52n + packets * version;
  return sent.packets > 2n && sent.bytes > headers(sent.packets) && got.bytes <= headers(got.packets);
}

/** Nobody logged it; conntrack shows an attempt that was not answered. Causes, section G, from step 4 on. */
export function conntrackDecision(subject: Case): Decision {
  const pictures = flowPictures(subject.attempt);
  const trail: Trail = { subject, pictures, items: pictures.map(flowItem) };
  if (subject.attempt.flows.some((witness) => isSilent(witness))) return failed(trail, 'APP_SLOW_OR_DEAD', SILENT);
  if (pictures.length === 0 || pictures.some(({ state }) => state === 'answered')) return ALLOWED;
  if (isPending(trail)) return PENDING;
  const draft = decideByPlace(trail);
  if (isOneWay(trail, draft)) return ALLOWED;
  const sender = pictures.find((picture) => picture.node === subject.judgedSource.node);
  // An entry on the source's node was confirmed: its egress rules let the packet out.
  const findings = sender ? passedFindings(trail, 'egress', sender.node) : [];
  return findings.length === 0 ? draft : { ...draft, findings: [...findings, ...(draft.findings ?? [])] };
}

/**
 * A datagram that nobody answers is the rule for many protocols: without a rule that denies or counted it, silence is no
 * failure.
 */
function isOneWay({ subject }: Trail, draft: Draft): boolean {
  if (subject.tuple.protocol === 'TCP' || subject.tuple.protocol === 'SCTP') return false;
  return draft.cause === 'UNDECIDED' && (draft.verdict === 'failed' || subject.destination.role === 'external');
}

function decideByPlace(trail: Trail): Draft {
  const { subject, pictures } = trail;
  const node = subject.destination.node;
  const atDestination = pictures.find((picture) => picture.node === node);
  if (subject.destination.role === 'service') return untranslated(trail);
  const backend = unfitBackend(subject);
  const judged = subject.policies.ingress.verdict === 'denied' && !atDestination;
  if (backend && !judged)
    return failed({ ...trail, items: [...trail.items, backend.item] }, backend.cause, { basis: 'derived' });
  if (atDestination) return reachedPod(trail, atDestination);
  if (node === undefined || !subject.destination.pod) return elsewhere(trail);
  return subject.policies.ingress.verdict === 'denied' ? ingressDenied(trail, node) : lostBefore(trail, node);
}

/** An entry that is not gone yet may still be answered, until its node's stream has moved on. */
function isPending({ subject, pictures }: Trail): boolean {
  return pictures.every(({ node, witnesses }) => {
    if (witnesses.some(({ flow }) => flow.event === 'destroy' || flow.event === 'entry')) return false;
    const watermark = subject.surroundings.conntrackWatermark(node);
    return watermark === undefined || watermark < subject.attempt.firstSeenAt + SETTLE_MICROS;
  });
}
