import { instantFromRfc3339, protocolFromName } from '@whydrop/model';
import type { FlowVerdictObservation, NamedEnd, NamedPolicy, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder } from '../decoder.js';
import { isObject, listOf, objectOf, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { countOf, flowEnds, flowVerdict, namedPolicy, podEnd, portOf } from '../verdict.js';

/** One record, out of the envelope of Cloud Logging where it came in one. */
export interface GkeRecord {
  readonly record: JsonObject;
  readonly envelope: JsonObject;
  readonly raw: string;
  readonly line: number;
}

function readLine(line: Line): GkeRecord | Reject {
  const envelope = parseJson(containerLine(line.text).text);
  if (!isObject(envelope)) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected one JSON object.');
  const record = isObject(envelope['jsonPayload']) ? envelope['jsonPayload'] : envelope;
  return { record, envelope, raw: line.text, line: line.number };
}

function endOf(record: JsonObject, side: 'src' | 'dest'): NamedEnd | undefined {
  const end = objectOf(record, side);
  const pod = textOf(end, 'pod_name');
  if (pod !== undefined) return podEnd(textOf(end, 'pod_namespace') ?? textOf(end, 'namespace') ?? '', pod);
  const node = textOf(end, 'node_name');
  const name = node ?? textOf(end, 'instance');
  if (name === undefined) return undefined;
  return { kind: node === undefined ? 'unknown' : 'node', namespace: undefined, name, isPrefix: false, labels: {} };
}

function policiesOf(record: JsonObject, action: NamedPolicy['action']): NamedPolicy[] {
  return listOf(record, 'policies')
    .filter(isObject)
    .flatMap((policy) => {
      const name = textOf(policy, 'name');
      if (name === undefined) return [];
      const namespace = textOf(policy, 'namespace');
      return namedPolicy({
        kind: textOf(policy, 'kind'),
        namespace: namespace === undefined || namespace === '' ? null : namespace,
        name,
        action,
        part: 'rule',
      });
    });
}

/** The node of the record, or of the resource in Cloud Logging. */
function nodeOf(read: GkeRecord): string | undefined {
  const labels = objectOf(objectOf(read.envelope, 'resource'), 'labels');
  return textOf(read.record, 'node_name') ?? textOf(labels, 'node_name');
}

function normalise(read: GkeRecord): FlowVerdictObservation | Reject {
  const { record, envelope, raw, line } = read;
  const connection = objectOf(record, 'connection');
  const observedAt = instantFromRfc3339(textOf(record, 'timestamp') ?? textOf(envelope, 'timestamp') ?? '');
  const [source, destination] = [
    canonicalAddress(textOf(connection, 'src_ip') ?? ''),
    canonicalAddress(textOf(connection, 'dest_ip') ?? ''),
  ];
  const protocol = protocolFromName(textOf(connection, 'protocol') ?? '');
  const disposition = textOf(record, 'disposition');
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'Expected "timestamp" as RFC 3339.');
  if (source === undefined || destination === undefined)
    return reject('MISSING_FIELD', line, raw, 'Expected connection.src_ip and dest_ip.');
  if (protocol === undefined) return reject('UNSUPPORTED', line, raw, 'The protocol is unknown to the logger.');
  const verdict = disposition === 'deny' ? 'dropped' : disposition === 'allow' ? 'allowed' : 'unknown';
  const written = textOf(connection, 'direction');
  const direction = written === 'ingress' || written === 'egress' ? written : undefined;
  const policies = policiesOf(record, verdict === 'allowed' ? 'allow' : 'deny');
  const count = countOf(record['count']);
  return flowVerdict({
    emitter: 'gke',
    observedAt,
    verdict,
    denial: verdict === 'dropped' ? (policies.length > 0 ? 'explicit' : 'default') : undefined,
    reporter: direction === 'egress' ? 'source' : direction === 'ingress' ? 'destination' : undefined,
    direction,
    // Denials are folded without the source port: the one that is kept belongs to one of them.
    ends: flowEnds({
      protocol,
      source,
      destination,
      sourcePort: verdict === 'dropped' && (count ?? 1n) > 1n ? undefined : portOf(connection['src_port']),
      destinationPort: portOf(connection['dest_port']),
    }),
    source: endOf(record, 'src'),
    destination: endOf(record, 'dest'),
    node: nodeOf(read),
    policies,
    connections: count,
    raw,
    line,
  });
}

export const gkePolicyLog: Decoder<GkeRecord> = {
  format: 'gke-policy-log',
  doc: 'network policy log of GKE Dataplane V2, from `policy_action.log` and from Cloud Logging (GKE documentation, “network policy logging”)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
