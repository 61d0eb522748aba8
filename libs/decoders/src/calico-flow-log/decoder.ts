import { instantFromRfc3339, MICROS_PER_SECOND, protocolFromName } from '@whydrop/model';
import type { FlowVerdictObservation, Instant, NamedEnd, NamedPolicy, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder } from '../decoder.js';
import { isObject, listOf, numberOf, objectOf, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { countOf, flowEnds, flowVerdict, portOf } from '../verdict.js';
import { denialOfPolicies, verdictOfAction } from './denial.js';
import { policyOfString } from './policy-string.js';

/** One line of the flow log. */
export interface CalicoFlow {
  readonly flow: JsonObject;
  readonly raw: string;
  readonly line: number;
}

const END_KINDS: Readonly<Record<string, NamedEnd['kind']>> = { wep: 'pod', ns: 'network-set', net: 'external' };

function readLine(line: Line): CalicoFlow | Reject {
  const flow = parseJson(containerLine(line.text).text);
  if (!isObject(flow)) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected one JSON object.');
  return { flow, raw: line.text, line: line.number };
}

/** `-` stands for an absent name. */
function said(flow: JsonObject, key: string): string | undefined {
  const text = textOf(flow, key);
  return text === '-' || text === '' ? undefined : text;
}

/** Seconds since 1970 in the file, RFC 3339 after Elasticsearch. */
function timeOf(flow: JsonObject, key: string): Instant | undefined {
  const seconds = numberOf(flow, key);
  if (seconds !== undefined) return seconds > 0 && seconds < 9e9 ? Math.round(seconds * MICROS_PER_SECOND) : undefined;
  return instantFromRfc3339(textOf(flow, key) ?? '');
}

/** `app=client` to a record. */
function labelsOf(flow: JsonObject, key: string): Record<string, string> {
  const labels: [string, string][] = [];
  for (const label of listOf(objectOf(flow, key), 'labels')) {
    const equals = typeof label === 'string' ? label.indexOf('=') : -1;
    if (typeof label === 'string' && equals > 0) labels.push([label.slice(0, equals), label.slice(equals + 1)]);
  }
  return Object.fromEntries(labels);
}

function endOf(flow: JsonObject, side: 'source' | 'dest'): NamedEnd | undefined {
  const own = said(flow, `${side}_name`);
  const aggregate = said(flow, `${side}_name_aggr`);
  const name = own ?? aggregate;
  if (name === undefined) return undefined;
  const isPrefix = own === undefined && name.endsWith('*');
  return {
    kind: END_KINDS[textOf(flow, `${side}_type`) ?? ''] ?? 'unknown',
    namespace: said(flow, `${side}_namespace`),
    name: isPrefix ? name.slice(0, -1) : name,
    isPrefix,
    labels: labelsOf(flow, `${side}_labels`),
  };
}

/** Enforced and pending hits; `all_policies` where the newer lists are missing. Undefined when one is no policy string. */
function policiesOf(flow: JsonObject): NamedPolicy[] | undefined {
  const lists = objectOf(flow, 'policies');
  const enforced = listOf(lists, 'enforced_policies');
  const pending = listOf(lists, 'pending_policies').filter((hit) => typeof hit === 'string' && isStaged(hit));
  const hits = enforced.length > 0 ? [...enforced, ...pending] : listOf(lists, 'all_policies');
  const read = hits.map((hit) => (typeof hit === 'string' ? policyOfString(hit) : undefined));
  return read.includes(undefined)
    ? undefined
    : read.filter((hit): hit is NamedPolicy => hit !== null && hit !== undefined);
}

/** Pending hits repeat the enforced ones beside what staged policies would do. */
function isStaged(hit: string): boolean {
  return policyOfString(hit)?.part === 'staged';
}

function serviceOf(flow: JsonObject): FlowVerdictObservation['service'] {
  const [name, namespace] = [said(flow, 'dest_service_name'), said(flow, 'dest_service_namespace')];
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

function normalise(read: CalicoFlow): FlowVerdictObservation | Reject {
  const { flow, raw, line } = read;
  const [from, to] = [timeOf(flow, 'start_time'), timeOf(flow, 'end_time')];
  const protocol = protocolFromName(textOf(flow, 'proto') ?? String(numberOf(flow, 'proto') ?? ''));
  const policies = policiesOf(flow);
  const reporter = textOf(flow, 'reporter');
  if (to === undefined || from === undefined) return reject('NO_TIME', line, raw, 'Expected start_time and end_time.');
  if (protocol === undefined) return reject('MISSING_FIELD', line, raw, 'Expected the protocol in "proto".');
  if (policies === undefined)
    return reject('BAD_VALUE', line, raw, 'A policy is not written as "index|tier|name|action|rule".');
  const verdict = verdictOfAction(textOf(flow, 'action') ?? '');
  return flowVerdict({
    emitter: 'calico',
    observedAt: to,
    window: { from, to },
    verdict,
    denial: denialOfPolicies(verdict, policies),
    reporter: reporter === 'src' ? 'source' : reporter === 'dst' ? 'destination' : undefined,
    direction: reporter === 'src' ? 'egress' : reporter === 'dst' ? 'ingress' : undefined,
    ends: flowEnds({
      protocol,
      source: canonicalAddress(said(flow, 'source_ip') ?? ''),
      destination: canonicalAddress(said(flow, 'dest_ip') ?? ''),
      sourcePort: portOf(flow['source_port']),
      destinationPort: portOf(flow['dest_port']),
    }),
    source: endOf(flow, 'source'),
    destination: endOf(flow, 'dest'),
    service: serviceOf(flow),
    node: said(flow, 'host'),
    policies,
    packets:
      countOf(flow['packets_in']) !== undefined
        ? (countOf(flow['packets_in']) ?? 0n) + (countOf(flow['packets_out']) ?? 0n)
        : undefined,
    bytes:
      countOf(flow['bytes_in']) !== undefined
        ? (countOf(flow['bytes_in']) ?? 0n) + (countOf(flow['bytes_out']) ?? 0n)
        : undefined,
    connections: countOf(flow['num_flows_started'] ?? flow['num_flows']),
    raw,
    line,
  });
}

export const calicoFlowLog: Decoder<CalicoFlow> = {
  format: 'calico-flow-log',
  doc: 'flow log file of Calico Enterprise and Cloud, one JSON object per line, with policy strings (tigera/docs `observability/elastic/flow/datatypes`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
