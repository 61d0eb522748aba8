import { instantFromRfc3339, MICROS_PER_SECOND, protocolFromName } from '@whydrop/model';
import type { FlowVerdictObservation, Instant, NamedEnd, NamedPolicy, Reject } from '@whydrop/model';
import { denialOfPolicies, verdictOfAction } from '../calico-flow-log/denial.js';
import { partOf } from '../calico-flow-log/policy-string.js';
import { containerLine } from '../container-log.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, listOf, numberOf, objectOf, parseJson } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { countOf, flowEnds, flowVerdict, namedPolicy, portOf } from '../verdict.js';

/** One aggregate flow as Whisker's REST interface or a Goldmane export writes it. */
export interface WhiskerFlow {
  readonly flow: JsonObject;
  readonly raw: string;
  readonly line: number;
}

/** Enum numbers of the protocol buffer, for exports that keep them. */
const KINDS: Readonly<Record<number, string>> = {
  1: 'CalicoNetworkPolicy',
  2: 'GlobalNetworkPolicy',
  3: 'StagedNetworkPolicy',
  4: 'StagedGlobalNetworkPolicy',
  5: 'StagedKubernetesNetworkPolicy',
  6: 'NetworkPolicy',
  7: 'AdminNetworkPolicy',
  8: 'BaselineAdminNetworkPolicy',
  9: 'Profile',
  10: 'EndOfTier',
  11: 'ClusterNetworkPolicy',
};
const ACTIONS: Readonly<Record<number, string>> = { 1: 'Allow', 2: 'Deny', 3: 'Pass' };
const REPORTERS: Readonly<Record<number, string>> = { 1: 'Src', 2: 'Dst' };
const PUBLIC: Readonly<Record<string, string>> = { pub: 'PUBLIC NETWORK', pvt: 'PRIVATE NETWORK' };

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A member under its JSON name, or as protocol buffers write it in camel case. */
function member(object: JsonObject, key: string): unknown {
  return object[key] ?? object[camelCase(key)];
}

function word(object: JsonObject, key: string, numbers: Readonly<Record<number, string>> = {}): string | undefined {
  const value = member(object, key);
  if (typeof value === 'number') return numbers[value];
  return typeof value === 'string' && value !== '' && value !== '-' ? value : undefined;
}

/** `{"flow":{"Key":{…}}}` of Goldmane and the flat object of Whisker become one flat object. */
function flatten(object: JsonObject): JsonObject {
  const flow = isObject(object['flow']) ? object['flow'] : object;
  const key = isObject(flow['Key']) ? flow['Key'] : objectOf(flow, 'key');
  return { ...flow, ...key };
}

function flowsOf(parsed: unknown): readonly JsonObject[] | undefined {
  if (Array.isArray(parsed)) return parsed.filter(isObject).map(flatten);
  if (!isObject(parsed)) return undefined;
  const list = listOf(parsed, Array.isArray(parsed['items']) ? 'items' : 'flows');
  return list.length > 0 ? list.filter(isObject).map(flatten) : [flatten(parsed)];
}

/** A stream of `watch=true` comes as server-sent events: `data: {…}`. */
function readLine(line: Line): WhiskerFlow | Reject | undefined {
  const text = containerLine(line.text).text.replace(/^data: ?/, '');
  if (/^(:|event:|id:|retry:)/.test(text)) return undefined;
  const flows = flowsOf(parseJson(text));
  const flow = flows?.[0];
  if (!flow) return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected one JSON object.');
  return { flow, raw: line.text, line: line.number };
}

/** A page of `GET /flows` is one document; a stream is one object per line. */
function decode(payload: string, context: StreamContext): Iterable<WhiskerFlow | Reject> {
  const whole =
    /^\s{0,100}[[{]/.test(payload) && /\n\s{0,20}\S/.test(payload.slice(0, 100)) ? parseJson(payload) : undefined;
  const page = isObject(whole) || Array.isArray(whole) ? flowsOf(whole) : pageInOneLine(payload);
  if (!page) return decodeLines(payload, context, readLine);
  return page.map((flow) => ({ flow, raw: JSON.stringify(flow).slice(0, 4096), line: context.firstLine }));
}

function pageInOneLine(payload: string): readonly JsonObject[] | undefined {
  if (!/^\s{0,100}(\[|\{"(?:items|meta|flows)":)/.test(payload.slice(0, 200))) return undefined;
  return flowsOf(parseJson(payload));
}

/** Seconds since 1970, or RFC 3339. */
function timeOf(flow: JsonObject, key: string): Instant | undefined {
  const seconds = numberOf({ value: member(flow, key) }, 'value');
  if (seconds !== undefined) return seconds > 0 && seconds < 9e9 ? Math.round(seconds * MICROS_PER_SECOND) : undefined;
  return instantFromRfc3339(word(flow, key) ?? '');
}

/** One string joined by ` | `, or a list. */
function labelsOf(flow: JsonObject, key: string): Record<string, string> {
  const value = member(flow, key);
  const written = Array.isArray(value) ? value : typeof value === 'string' ? value.split(' | ') : [];
  const pairs = written.flatMap((label): [string, string][] => {
    const equals = typeof label === 'string' ? label.indexOf('=') : -1;
    return typeof label === 'string' && equals > 0 ? [[label.slice(0, equals), label.slice(equals + 1)]] : [];
  });
  return Object.fromEntries(pairs);
}

/** Names are those of controllers: `client-*`. */
function endOf(flow: JsonObject, side: 'source' | 'dest'): NamedEnd | undefined {
  const name = word(flow, `${side}_name`);
  if (name === undefined) return undefined;
  const isPrefix = name.endsWith('*');
  const namespace = word(flow, `${side}_namespace`);
  const isNetwork = name in PUBLIC || Object.values(PUBLIC).includes(name);
  return {
    kind: isNetwork ? 'external' : namespace !== undefined && namespace !== 'Global' ? 'workload' : 'unknown',
    namespace: namespace === 'Global' ? undefined : namespace,
    name: isPrefix ? name.slice(0, -1) : (PUBLIC[name] ?? name),
    isPrefix,
    labels: labelsOf(flow, `${side}_labels`),
  };
}

function actionOf(hit: JsonObject): NamedPolicy['action'] {
  const action = word(hit, 'action', ACTIONS)?.toLowerCase();
  return action === 'allow' || action === 'deny' || action === 'pass' ? action : undefined;
}

/** An end of tier names no policy itself: its trigger is the one that made the tier apply. */
function policyOf(hit: JsonObject): NamedPolicy | undefined {
  const kind = word(hit, 'kind', KINDS);
  const isEnd = kind === 'EndOfTier';
  const named = isEnd ? objectOf(hit, 'trigger') : hit;
  const name = word(named, 'name');
  if (name === undefined) return undefined;
  const namedKind = word(named, 'kind', KINDS);
  const rule = Number(member(hit, 'rule_index') ?? NaN);
  return namedPolicy({
    kind: namedKind,
    namespace: word(named, 'namespace') ?? null,
    name,
    tier: word(hit, 'tier'),
    action: actionOf(hit),
    rule: isEnd || !Number.isInteger(rule) || rule < 0 ? undefined : rule,
    part: isEnd ? 'default' : partOf(namedKind, Number.isInteger(rule) ? rule : 0),
  });
}

function policiesOf(flow: JsonObject): NamedPolicy[] {
  const trace = objectOf(flow, 'policies');
  const hits = (key: string, long: string): NamedPolicy[] =>
    [key, long, camelCase(long)]
      .flatMap((name) => listOf(trace, name))
      .filter(isObject)
      .flatMap((hit) => policyOf(hit) ?? []);
  const pending = hits('pending', 'pending_policies').filter((policy) => policy.part === 'staged');
  return [...hits('enforced', 'enforced_policies'), ...pending];
}

function sum(flow: JsonObject, what: 'packets' | 'bytes'): bigint | undefined {
  const [into, out] = [countOf(member(flow, `${what}_in`)), countOf(member(flow, `${what}_out`))];
  return into === undefined && out === undefined ? undefined : (into ?? 0n) + (out ?? 0n);
}

function serviceOf(flow: JsonObject): FlowVerdictObservation['service'] {
  const [name, namespace] = [word(flow, 'dest_service_name'), word(flow, 'dest_service_namespace')];
  return name === undefined || namespace === undefined ? undefined : { name, namespace };
}

function normalise(read: WhiskerFlow): FlowVerdictObservation | Reject {
  const { flow, raw, line } = read;
  const [from, to] = [timeOf(flow, 'start_time'), timeOf(flow, 'end_time')];
  const protocol = protocolFromName(word(flow, 'protocol') ?? word(flow, 'proto') ?? '');
  const action = word(flow, 'action', ACTIONS);
  if (from === undefined || to === undefined) return reject('NO_TIME', line, raw, 'Expected start_time and end_time.');
  if (protocol === undefined || action === undefined)
    return reject('MISSING_FIELD', line, raw, 'Expected protocol and action.');
  const reporter = word(flow, 'reporter', REPORTERS);
  const policies = policiesOf(flow);
  const verdict = verdictOfAction(action);
  return flowVerdict({
    emitter: 'calico',
    observedAt: to,
    window: { from, to },
    verdict,
    denial: denialOfPolicies(verdict, policies),
    reporter: reporter === 'Src' ? 'source' : reporter === 'Dst' ? 'destination' : undefined,
    direction: reporter === 'Src' ? 'egress' : reporter === 'Dst' ? 'ingress' : undefined,
    ends: flowEnds({ protocol, destinationPort: portOf(member(flow, 'dest_port')) }),
    source: endOf(flow, 'source'),
    destination: endOf(flow, 'dest'),
    service: serviceOf(flow),
    policies,
    packets: sum(flow, 'packets'),
    bytes: sum(flow, 'bytes'),
    connections: countOf(member(flow, 'num_connections_started')),
    raw,
    line,
  });
}

export const calicoWhisker: Decoder<WhiskerFlow> = {
  format: 'calico-whisker',
  doc: 'flow logs of Calico 3.30 and later: Whisker `GET /flows` and Goldmane exports, aggregates without addresses (projectcalico/calico `goldmane/proto/api.proto`)',
  decode,
  normalise,
};
