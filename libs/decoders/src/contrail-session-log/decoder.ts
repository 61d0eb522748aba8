import { protocolFromNumber } from '@whydrop/model';
import type { Denial, FlowEnds, FlowVerdictObservation, Instant, NamedEnd, NamedPolicy, Reject } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfMicros } from '../local-time.js';
import { countOf, flowEnds, flowVerdict, namedPolicy, podEnd } from '../verdict.js';
import { sandeshFields } from './fields.js';
import type { SandeshFields } from './fields.js';

/** One session, or the flows of one line of the log before 5.0. */
export interface ContrailSession {
  readonly flows: readonly SandeshFields[];
  readonly isSession: boolean;
  readonly raw: string;
  readonly line: number;
}

const CONSTANT_RULE = /^00000000-0000-0000-0000-00000000000(\d)$/;
const IMPLICIT_DENY = '2';

/** Several flows stand in one line, each in its own brackets and each beginning with its uuid. */
function oldFlows(text: string): readonly SandeshFields[] {
  const pieces = text.split('flowuuid = ', 1000).slice(1);
  return pieces.flatMap((piece) => sandeshFields(`flowuuid = ${piece.split(' ]', 1)[0]}`) ?? []);
}

function readLine(line: Line): ContrailSession | Reject | undefined {
  const session = line.text.indexOf('SessionData: ');
  const isOld = session < 0 && line.text.includes('FlowLogDataObject: ');
  if (session < 0 && !isOld) return undefined;
  const fields = isOld ? undefined : sandeshFields(line.text.slice(session + 'SessionData: '.length));
  const flows = isOld ? oldFlows(line.text) : fields ? [fields] : [];
  if (flows.length === 0 || !line.text.trimEnd().endsWith(']')) {
    return reject('TRUNCATED', line.number, line.text, 'A bracket of the record is not closed.');
  }
  return { flows, isSession: !isOld, raw: line.text, line: line.number };
}

/** The log before 5.0 prints ports as signed 16-bit numbers. */
function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d{1,5}$/.test(text)) return undefined;
  const port = Number(text) < 0 ? Number(text) + 65_536 : Number(text);
  return port < 65_536 ? port : undefined;
}

/** The server's port is `service_port`, the client's is `port`, whichever side is local. */
function sessionEnds(fields: SandeshFields, isClient: boolean): Partial<FlowEnds> {
  const [local, remote] = [canonicalAddress(fields.get('local_ip') ?? ''), canonicalAddress(fields.get('ip') ?? '')];
  return {
    source: isClient ? local : remote,
    destination: isClient ? remote : local,
    sourcePort: portOf(fields.get('port')),
    destinationPort: portOf(fields.get('service_port')),
  };
}

function oldEnds(fields: SandeshFields): Partial<FlowEnds> {
  return {
    source: canonicalAddress(fields.get('sourceip') ?? ''),
    destination: canonicalAddress(fields.get('destip') ?? ''),
    sourcePort: portOf(fields.get('sport')),
    destinationPort: portOf(fields.get('dport')),
  };
}

/** `<cluster>__<namespace>__<pod>`. */
function podOf(machine: string | undefined): NamedEnd | undefined {
  const match = /^(.{1,63}?)__(.{1,63}?)__(.{1,253})$/.exec(machine ?? '');
  return match ? podEnd(match[2] ?? '', match[3] ?? '') : undefined;
}

/** `<firewall policy>:<rule uuid>`. Which NetworkPolicy it came from stands in the firewall policy's annotations. */
function policiesOf(written: string | undefined, dropped: boolean): NamedPolicy[] {
  const colon = written?.lastIndexOf(':') ?? -1;
  if (written === undefined || colon < 0) return [];
  const name = written.slice(0, colon).split(':').at(-1) ?? '';
  return [
    namedPolicy({
      kind: 'ContrailFirewallPolicy',
      namespace: null,
      name,
      ruleName: written.slice(colon + 1),
      action: dropped ? 'deny' : 'allow',
      part: name.endsWith('-denyall') ? 'default' : 'rule',
    }),
  ];
}

function denialOf(
  reason: string | undefined,
  policies: readonly NamedPolicy[],
  rule: string | undefined,
): Denial | undefined {
  if (policies[0]) return policies[0].part === 'default' ? 'default' : 'explicit';
  if (CONSTANT_RULE.exec(rule ?? '')?.[1] === IMPLICIT_DENY) return 'default';
  if (reason === undefined || reason === 'UNKNOWN') return undefined;
  return reason.includes('Firewall Policy') ? 'policy' : 'other';
}

function timeOf(written: string | undefined): Instant | undefined {
  return written !== undefined && /^\d{15,16}$/.test(written) ? instantOfMicros(Number(written)) : undefined;
}

function flowOf(
  session: ContrailSession,
  fields: SandeshFields,
  context: StreamContext,
): FlowVerdictObservation | Reject {
  const { raw, line, isSession } = session;
  const own = (name: string): string | undefined => fields.get(isSession ? `forward_flow_info.${name}` : name);
  const isClient = fields.get('is_client_session') === '1';
  const protocol = Number(fields.get('protocol') ?? Number.NaN);
  const observedAt = timeOf(own('setup_time')) ?? context.observedFrom;
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'Expected setup_time in microseconds.');
  if (!(protocol >= 0 && protocol < 256)) return reject('MISSING_FIELD', line, raw, 'Expected a protocol number.');
  const ends = flowEnds({
    protocol: protocolFromNumber(protocol),
    ...(isSession ? sessionEnds(fields, isClient) : oldEnds(fields)),
  });
  if (ends.source === undefined || ends.destination === undefined)
    return reject('BAD_VALUE', line, raw, 'An address is missing or not valid.');
  const action = own('action') ?? '';
  const dropped = action.includes('deny');
  const rule = fields.get('security_policy_rule');
  const policies = policiesOf(rule, dropped);
  const reason = own('drop_reason');
  const pod = podOf(fields.get('vm'));
  return flowVerdict({
    emitter: 'contrail',
    observedAt,
    verdict: dropped ? 'dropped' : action.includes('pass') ? 'allowed' : 'unknown',
    denial: dropped ? denialOf(reason, policies, rule) : undefined,
    reporter: isSession ? (isClient ? 'source' : 'destination') : undefined,
    ends,
    source: isSession && isClient ? pod : undefined,
    destination: isSession && !isClient ? pod : undefined,
    policies,
    reason: dropped ? reason : undefined,
    packets: countOf(fields.get('sampled_forward_pkts') ?? fields.get('logged_forward_pkts') ?? fields.get('packets')),
    bytes: countOf(fields.get('sampled_forward_bytes') ?? fields.get('logged_forward_bytes') ?? fields.get('bytes')),
    raw,
    line,
  });
}

export const contrailSessionLog: Decoder<ContrailSession> = {
  format: 'contrail-session-log',
  doc: 'SessionData lines of the vRouter agent, and FlowLogDataObject lines before 5.0, with the rule that decided (tf-controller `flow.sandesh`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise: (session, context) => session.flows.map((fields) => flowOf(session, fields, context)),
};
