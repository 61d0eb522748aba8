import { instantFromRfc3339, protocolFromName } from '@whydrop/model';
import type { FlowVerdict, FlowVerdictObservation, Instant, NamedEnd, NamedPolicy, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, parseJson } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfMicros } from '../local-time.js';
import { countOf, flowEnds, flowVerdict, namedPolicy, podEnd, portOf } from '../verdict.js';
import { parseMapping, valueAt } from './mapping.js';
import type { MappedField, Mapping } from './mapping.js';

/** One record with the mapping that explains it. */
export interface MappedRecord {
  readonly record: JsonObject;
  readonly mapping: Mapping;
  readonly raw: string;
  readonly line: number;
}

/** Words that mean the same everywhere, where the mapping does not translate them. */
const COMMON_VERDICTS: Readonly<Record<string, FlowVerdict>> = {
  allow: 'allowed',
  allowed: 'allowed',
  accept: 'allowed',
  accepted: 'allowed',
  permit: 'allowed',
  pass: 'allowed',
  forwarded: 'allowed',
  deny: 'dropped',
  denied: 'dropped',
  drop: 'dropped',
  dropped: 'dropped',
  block: 'dropped',
  blocked: 'dropped',
  discard: 'dropped',
  reject: 'rejected',
  rejected: 'rejected',
  audit: 'audited',
  audited: 'audited',
};

function isWanted(record: JsonObject, mapping: Mapping): boolean {
  return Object.entries(mapping.only).every(([path, wanted]) => String(valueAt(record, path)) === wanted);
}

function decode(payload: string, context: StreamContext): Iterable<MappedRecord | Reject> {
  const mapping = parseMapping(context.attributes['mapping'] ?? '');
  if (typeof mapping === 'string')
    return [reject('UNSUPPORTED', context.firstLine, payload, `The stream has no usable mapping. ${mapping}`)];
  return decodeLines(payload, context, (line: Line) => {
    const record = parseJson(containerLine(line.text).text);
    if (!isObject(record)) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected one JSON object.');
    return isWanted(record, mapping) ? { record, mapping, raw: line.text, line: line.number } : undefined;
  });
}

/** A value as text; numbers and booleans are written out. */
function text(read: MappedRecord, field: MappedField): string | undefined {
  const path = read.mapping.fields[field];
  const value = path === undefined ? undefined : valueAt(read.record, path);
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** RFC 3339, or a number since 1970 whose size tells seconds, milliseconds, microseconds and nanoseconds apart. */
function timeOf(written: string | undefined): Instant | undefined {
  if (written === undefined) return undefined;
  const match = /^(\d{9,19})(?:\.(\d{1,9}))?$/.exec(written);
  if (!match) return instantFromRfc3339(written);
  const [, whole = '', fraction = ''] = match;
  if (whole.length <= 10) return instantOfMicros(Number(whole) * 1e6 + Number(fraction.slice(0, 6).padEnd(6, '0')));
  if (whole.length <= 13) return instantOfMicros(Number(whole) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0')));
  return instantOfMicros(Number(whole.length <= 16 ? whole : whole.slice(0, -3)));
}

function verdictOf(read: MappedRecord): FlowVerdict {
  const word = text(read, 'verdict') ?? '';
  return read.mapping.verdicts[word] ?? COMMON_VERDICTS[word.toLowerCase()] ?? 'unknown';
}

function directionOf(read: MappedRecord): FlowVerdictObservation['direction'] {
  const word = text(read, 'direction') ?? '';
  const direction = read.mapping.directions[word] ?? word.toLowerCase();
  return direction === 'ingress' || direction === 'egress' ? direction : undefined;
}

function podOf(read: MappedRecord, namespace: MappedField, pod: MappedField): NamedEnd | undefined {
  const name = text(read, pod);
  return name === undefined ? undefined : podEnd(text(read, namespace) ?? 'default', name);
}

function policiesOf(read: MappedRecord, verdict: FlowVerdict): NamedPolicy[] {
  const name = text(read, 'policy');
  if (name === undefined) return [];
  const action = verdict === 'allowed' ? 'allow' : verdict === 'unknown' ? undefined : 'deny';
  return [
    namedPolicy({
      kind: text(read, 'policyKind'),
      namespace: text(read, 'policyNamespace') ?? null,
      name,
      action,
      part: 'rule',
    }),
  ];
}

function normalise(read: MappedRecord): FlowVerdictObservation | Reject {
  const { raw, line } = read;
  const observedAt = timeOf(text(read, 'time'));
  const protocol = protocolFromName(text(read, 'protocol') ?? '');
  const [source, destination] = [
    canonicalAddress(text(read, 'source') ?? ''),
    canonicalAddress(text(read, 'destination') ?? ''),
  ];
  if (observedAt === undefined) return reject('NO_TIME', line, raw, `No time at "${read.mapping.fields.time}".`);
  if (protocol === undefined)
    return reject('BAD_VALUE', line, raw, `No protocol at "${read.mapping.fields.protocol}".`);
  if (source === undefined || destination === undefined) {
    const path = source === undefined ? read.mapping.fields.source : read.mapping.fields.destination;
    return reject('BAD_VALUE', line, raw, `No IP address at "${path}".`);
  }
  const verdict = verdictOf(read);
  const policies = policiesOf(read, verdict);
  const denied = verdict === 'dropped' || verdict === 'rejected';
  return flowVerdict({
    emitter: 'mapped',
    observedAt,
    verdict,
    denial: denied && policies.length > 0 ? 'explicit' : undefined,
    direction: directionOf(read),
    ends: flowEnds({
      protocol,
      source,
      destination,
      sourcePort: portOf(text(read, 'sourcePort')),
      destinationPort: portOf(text(read, 'destinationPort')),
    }),
    source: podOf(read, 'sourceNamespace', 'sourcePod'),
    destination: podOf(read, 'destinationNamespace', 'destinationPod'),
    node: text(read, 'node'),
    policies,
    reason: text(read, 'reason'),
    packets: countOf(text(read, 'packets')),
    bytes: countOf(text(read, 'bytes')),
    connections: countOf(text(read, 'connections')),
    raw,
    line,
  });
}

export const mappedJson: Decoder<MappedRecord> = {
  format: 'mapped-json',
  doc: 'JSON lines of any source, with a mapping of its field paths to ours in the attribute `mapping`',
  decode,
  normalise,
};
