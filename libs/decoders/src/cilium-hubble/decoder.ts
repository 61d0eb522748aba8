import { instantFromRfc3339 } from '@whydrop/model';
import type {
  Denial,
  FlowEnds,
  FlowVerdict,
  FlowVerdictObservation,
  NamedEnd,
  NamedPolicy,
  Protocol,
  Reject,
} from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder } from '../decoder.js';
import { isObject, listOf, numberOf, objectOf, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import type { Decoded } from '../observation.js';
import { flowEnds, flowVerdict, namedPolicy, podEnd, portOf } from '../verdict.js';

/** One exported event that is a flow, or the exporter's report of lost events. */
export interface HubbleEvent {
  readonly flow: JsonObject;
  readonly envelope: JsonObject;
  readonly isLost: boolean;
  readonly raw: string;
  readonly line: number;
}

const VERDICTS: Readonly<Record<string, FlowVerdict>> = {
  FORWARDED: 'allowed',
  REDIRECTED: 'allowed',
  TRANSLATED: 'allowed',
  TRACED: 'allowed',
  DROPPED: 'dropped',
  ERROR: 'dropped',
  AUDIT: 'audited',
};
/** `POLICY_DENIED` means that nothing allowed it, `POLICY_DENY` that a rule denied it. */
const DENIALS: Readonly<Record<string, Denial>> = { POLICY_DENIED: 'default', POLICY_DENY: 'explicit' };
const REASON_NUMBERS: Readonly<Record<number, string>> = { 133: 'POLICY_DENIED', 181: 'POLICY_DENY' };
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  TCP: 'TCP',
  UDP: 'UDP',
  SCTP: 'SCTP',
  ICMPv4: 'ICMP',
  ICMPv6: 'ICMPv6',
};
const NODE_LABELS: ReadonlySet<string> = new Set(['reserved:host', 'reserved:remote-node', 'reserved:kube-apiserver']);

/** A reply that passed was judged with the connection it belongs to: it says nothing about policy. */
function isForwardedReply(flow: JsonObject): boolean {
  return flow['is_reply'] === true && VERDICTS[textOf(flow, 'verdict') ?? ''] === 'allowed';
}

/** Agent and debug events, node states and layer 7 records without addresses are passed over. */
function readLine(line: Line): HubbleEvent | Reject | undefined {
  const envelope = parseJson(containerLine(line.text).text);
  if (!isObject(envelope)) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected one JSON object.');
  const isLost = isObject(envelope['lost_events']);
  const flow = isObject(envelope['flow']) ? envelope['flow'] : 'verdict' in envelope ? envelope : undefined;
  if (!isLost && (!flow || isForwardedReply(flow))) return undefined;
  return { flow: flow ?? {}, envelope, isLost, raw: line.text, line: line.number };
}

/** Protocol and ports; protocol buffers leave zeros out. */
function layer4(flow: JsonObject): Pick<FlowEnds, 'protocol' | 'sourcePort' | 'destinationPort' | 'icmp'> | undefined {
  const found = Object.entries(objectOf(flow, 'l4')).find(([name]) => name in PROTOCOLS);
  const protocol = PROTOCOLS[found?.[0] ?? ''];
  const part = found?.[1];
  if (!found || protocol === undefined || !isObject(part)) return undefined;
  const isIcmp = protocol === 'ICMP' || protocol === 'ICMPv6';
  return {
    protocol,
    sourcePort: portOf(part['source_port']),
    destinationPort: portOf(part['destination_port']),
    icmp: isIcmp ? { type: numberOf(part, 'type') ?? 0, code: numberOf(part, 'code') ?? 0, id: undefined } : undefined,
  };
}

/** Labels carry their source in front: `k8s:app=web`, `reserved:world`. */
function labelsOf(end: JsonObject): Record<string, string> {
  const pairs = listOf(end, 'labels').flatMap((label): [string, string][] => {
    const match = typeof label === 'string' ? /^k8s:([^=]{1,320})=(.*)$/.exec(label) : null;
    return match ? [[match[1] ?? '', match[2] ?? '']] : [];
  });
  return Object.fromEntries(pairs);
}

function endOf(flow: JsonObject, side: 'source' | 'destination'): NamedEnd | undefined {
  const end = objectOf(flow, side);
  const [pod, namespace] = [textOf(end, 'pod_name'), textOf(end, 'namespace')];
  if (pod !== undefined && pod !== '') return podEnd(namespace ?? '', pod, labelsOf(end));
  const reserved = listOf(end, 'labels').find((label) => typeof label === 'string' && label.startsWith('reserved:'));
  if (typeof reserved !== 'string') return undefined;
  const kind = NODE_LABELS.has(reserved) ? 'node' : reserved === 'reserved:world' ? 'external' : 'unknown';
  return { kind, namespace: undefined, name: reserved, isPrefix: false, labels: {} };
}

function labelValue(policy: JsonObject, key: string): string | undefined {
  const prefix = `k8s:io.cilium.k8s.policy.${key}=`;
  const label = listOf(policy, 'labels').find((text) => typeof text === 'string' && text.startsWith(prefix));
  return typeof label === 'string' ? label.slice(prefix.length) : undefined;
}

function policiesOf(flow: JsonObject, key: string, action: 'allow' | 'deny'): NamedPolicy[] {
  return listOf(flow, key)
    .filter(isObject)
    .flatMap((policy) => {
      const name = textOf(policy, 'name') ?? labelValue(policy, 'name');
      if (name === undefined || name === '') return [];
      return namedPolicy({
        kind: textOf(policy, 'kind') ?? labelValue(policy, 'derived-from'),
        namespace: textOf(policy, 'namespace') || (labelValue(policy, 'namespace') ?? null),
        name,
        uid: labelValue(policy, 'uid'),
        action,
        part: 'rule',
      });
    });
}

function directionOf(flow: JsonObject): FlowVerdictObservation['direction'] {
  const written = textOf(flow, 'traffic_direction');
  return written === 'INGRESS' ? 'ingress' : written === 'EGRESS' ? 'egress' : undefined;
}

function reasonOf(flow: JsonObject): string | undefined {
  const named = textOf(flow, 'drop_reason_desc');
  if (named !== undefined && named !== 'DROP_REASON_UNKNOWN') return named;
  const number = numberOf(flow, 'drop_reason_desc') ?? numberOf(flow, 'drop_reason');
  return number === undefined || number === 0 ? undefined : (REASON_NUMBERS[number] ?? String(number));
}

function namedPolicies(flow: JsonObject, direction: FlowVerdictObservation['direction']): NamedPolicy[] {
  const sides = direction === undefined ? (['egress', 'ingress'] as const) : ([direction] as const);
  return sides.flatMap((side) => [
    ...policiesOf(flow, `${side}_denied_by`, 'deny'),
    ...policiesOf(flow, `${side}_allowed_by`, 'allow'),
  ]);
}

/** Names are `cluster/node` or `node`. */
function nodeOf(event: HubbleEvent): string | undefined {
  const name = textOf(event.flow, 'node_name') ?? textOf(event.envelope, 'node_name');
  return name === undefined || name === '' ? undefined : name.slice(name.lastIndexOf('/') + 1);
}

function normalise(event: HubbleEvent): Decoded {
  const { flow, envelope, raw, line } = event;
  const observedAt = instantFromRfc3339(textOf(flow, 'time') ?? textOf(envelope, 'time') ?? '');
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'Expected "time" as RFC 3339.');
  if (event.isLost) return { kind: 'notice', observedAt, notice: 'EVENTS_LOST', raw, line };
  const ip = objectOf(flow, 'IP');
  const l4 = layer4(flow);
  const [source, destination] = [
    canonicalAddress(textOf(ip, 'source') ?? ''),
    canonicalAddress(textOf(ip, 'destination') ?? ''),
  ];
  if (!l4) return reject('UNSUPPORTED', line, raw, 'The flow has no TCP, UDP, SCTP or ICMP part.');
  if (source === undefined || destination === undefined)
    return reject('MISSING_FIELD', line, raw, 'Expected IP.source and IP.destination.');
  const verdict = VERDICTS[textOf(flow, 'verdict') ?? ''] ?? 'unknown';
  const direction = directionOf(flow);
  const reason = verdict === 'allowed' ? undefined : reasonOf(flow);
  const policies = namedPolicies(flow, direction);
  return flowVerdict({
    emitter: 'cilium',
    observedAt,
    verdict,
    denial: denialOf(verdict, reason, policies),
    reporter: direction === 'egress' ? 'source' : direction === 'ingress' ? 'destination' : undefined,
    direction,
    ends: flowEnds({ ...l4, source, destination }),
    source: endOf(flow, 'source'),
    destination: endOf(flow, 'destination'),
    node: nodeOf(event),
    policies,
    reason,
    packets: 1n,
    raw,
    line,
  });
}

function denialOf(
  verdict: FlowVerdict,
  reason: string | undefined,
  policies: readonly NamedPolicy[],
): Denial | undefined {
  if (verdict !== 'dropped' && verdict !== 'audited') return undefined;
  if (reason !== undefined) return DENIALS[reason] ?? 'other';
  if (policies.some((policy) => policy.action === 'deny')) return 'explicit';
  return verdict === 'audited' ? 'default' : undefined;
}

export const ciliumHubble: Decoder<HubbleEvent> = {
  format: 'cilium-hubble',
  doc: 'Hubble flow export and `hubble observe -o json`, one JSON object per line (cilium/cilium `api/v1/flow/flow.proto`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
