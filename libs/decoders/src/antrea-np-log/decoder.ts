import { protocolFromName } from '@whydrop/model';
import type {
  FlowVerdict,
  FlowVerdictObservation,
  NamedEnd,
  NamedPolicy,
  PolicyDirection,
  Reject,
} from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder, StreamContext } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfWallClock, wallClockOf } from '../local-time.js';
import type { WallClock } from '../local-time.js';
import { countOf, flowEnds, flowVerdict, namedPolicy, podEnd, portOf } from '../verdict.js';

/** One line of np.log with its columns by name, whichever version wrote it. */
export interface AntreaLine {
  readonly clock: WallClock;
  readonly table: string;
  readonly policy: string;
  readonly ruleName: string | undefined;
  readonly direction: string | undefined;
  readonly action: string;
  readonly appliedTo: string | undefined;
  readonly source: string | undefined;
  readonly sourcePort: string | undefined;
  readonly destination: string | undefined;
  readonly destinationPort: string | undefined;
  readonly protocol: string | undefined;
  readonly packets: string | undefined;
  readonly raw: string;
  readonly line: number;
}

const STAMP = /^(\d{4})\/(\d{2})\/(\d{2}) (\d{2}):(\d{2}):(\d{2})\.(\d{1,9}) /;
const PACKETS = / \[(\d{1,15}) packets in [^\]]{1,40}\]\s*$/;
const ACTIONS: Readonly<Record<string, FlowVerdict>> = {
  Allow: 'allowed',
  Drop: 'dropped',
  Reject: 'rejected',
  Redirect: 'allowed',
};
const KINDS: Readonly<Record<string, string>> = {
  AntreaNetworkPolicy: 'AntreaNetworkPolicy',
  AntreaClusterNetworkPolicy: 'AntreaClusterNetworkPolicy',
  K8sNetworkPolicy: 'NetworkPolicy',
  AdminNetworkPolicy: 'AdminNetworkPolicy',
  BaselineAdminNetworkPolicy: 'BaselineAdminNetworkPolicy',
};

type Columns = Omit<AntreaLine, 'clock' | 'table' | 'policy' | 'packets' | 'raw' | 'line'>;

/** From 1.13: rule name, direction, action, priority, appliedTo, then the packet. */
function newest(words: readonly string[]): Columns {
  const [
    ,
    ,
    ruleName,
    direction,
    action = '',
    ,
    appliedTo,
    source,
    sourcePort,
    destination,
    destinationPort,
    protocol,
  ] = words;
  return { ruleName, direction, action, appliedTo, source, sourcePort, destination, destinationPort, protocol };
}

/** 1.9 to 1.12: rule name, action, priority, then the packet. */
function middle(words: readonly string[]): Columns {
  const [, , ruleName, action = '', , source, sourcePort, destination, destinationPort, protocol] = words;
  return {
    ruleName,
    direction: undefined,
    action,
    appliedTo: undefined,
    source,
    sourcePort,
    destination,
    destinationPort,
    protocol,
  };
}

/** 1.6 to 1.8: action, priority, then the packet with ports. Before that without ports, and before that with words between. */
function oldest(words: readonly string[]): Columns {
  const [, , action = '', , ...rest] = words.filter((word) => word !== 'SRC:' && word !== 'DEST:');
  const none = { ruleName: undefined, direction: undefined, appliedTo: undefined };
  if (canonicalAddress(rest[1] ?? '') !== undefined) {
    return {
      ...none,
      action,
      source: rest[0],
      sourcePort: undefined,
      destination: rest[1],
      destinationPort: undefined,
      protocol: rest[3],
    };
  }
  return {
    ...none,
    action,
    source: rest[0],
    sourcePort: rest[1],
    destination: rest[2],
    destinationPort: rest[3],
    protocol: rest[4],
  };
}

function columnsOf(words: readonly string[]): Columns | undefined {
  if ((words[2] ?? '') in ACTIONS) return oldest(words);
  if ((words[3] ?? '') in ACTIONS) return middle(words);
  return (words[4] ?? '') in ACTIONS ? newest(words) : undefined;
}

function readLine(line: Line): AntreaLine | Reject {
  const { text } = containerLine(line.text);
  const stamp = STAMP.exec(text);
  if (!stamp)
    return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected "yyyy/mm/dd hh:mm:ss.ffffff" in front.');
  const packets = PACKETS.exec(text);
  const words = text.slice(stamp[0].length, packets?.index).trim().split(' ');
  const columns = columnsOf(words);
  if (!columns)
    return reject('UNKNOWN_SYNTAX', line.number, line.text, 'No column is Allow, Drop, Reject or Redirect.');
  if (columns.protocol === undefined)
    return reject('TRUNCATED', line.number, line.text, 'The line ends before its protocol.');
  return {
    clock: wallClockOf(stamp),
    table: words[0] ?? '',
    policy: words[1] ?? '',
    ...columns,
    packets: packets?.[1],
    raw: line.text,
    line: line.number,
  };
}

/** The column says it, or the name of the table does. */
function directionOf(read: AntreaLine): PolicyDirection | undefined {
  const word = read.direction ?? /(Ingress|Egress)/.exec(read.table)?.[1];
  return word === 'Ingress' ? 'ingress' : word === 'Egress' ? 'egress' : undefined;
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text === '<nil>' || text === '' ? undefined : text;
}

/** `AntreaNetworkPolicy:ns/name`; a bare `K8sNetworkPolicy` is the default drop and names nobody. */
function policyOf(read: AntreaLine): NamedPolicy | undefined {
  const colon = read.policy.indexOf(':');
  if (colon < 0) return undefined;
  const path = read.policy.slice(colon + 1);
  const slash = path.indexOf('/');
  const type = read.policy.slice(0, colon);
  return namedPolicy({
    kind: KINDS[type] ?? type,
    namespace: slash < 0 ? null : path.slice(0, slash),
    name: path.slice(slash + 1),
    action: read.action === 'Allow' || read.action === 'Redirect' ? 'allow' : 'deny',
    ruleName: given(read.ruleName),
    part: 'rule',
  });
}

function podOf(appliedTo: string | undefined): NamedEnd | undefined {
  const slash = given(appliedTo)?.indexOf('/') ?? -1;
  return appliedTo === undefined || slash < 1
    ? undefined
    : podEnd(appliedTo.slice(0, slash), appliedTo.slice(slash + 1));
}

function normalise(read: AntreaLine, context: StreamContext): FlowVerdictObservation | Reject {
  const { raw, line } = read;
  const observedAt = instantOfWallClock(read.clock, context.attributes['timezone']);
  const protocol = protocolFromName(read.protocol ?? '');
  const [source, destination] = [canonicalAddress(read.source ?? ''), canonicalAddress(read.destination ?? '')];
  if (observedAt === undefined)
    return reject('NO_TIME', line, raw, 'The date is not valid, or the zone of the node is unknown.');
  if (source === undefined || destination === undefined)
    return reject('BAD_VALUE', line, raw, 'An address is not valid.');
  if (protocol === undefined)
    return reject('UNSUPPORTED', line, raw, `Protocol ${read.protocol?.slice(0, 20)} is not read.`);
  const verdict = ACTIONS[read.action] ?? 'unknown';
  const direction = directionOf(read);
  const policy = policyOf(read);
  const denied = verdict === 'dropped' || verdict === 'rejected';
  const pod = podOf(read.appliedTo);
  return flowVerdict({
    emitter: 'antrea',
    observedAt,
    verdict,
    denial: denied ? (policy ? 'explicit' : 'default') : undefined,
    reporter: direction === 'egress' ? 'source' : direction === 'ingress' ? 'destination' : undefined,
    direction,
    ends: flowEnds({
      protocol,
      source,
      destination,
      sourcePort: portOf(read.sourcePort),
      destinationPort: portOf(read.destinationPort),
    }),
    source: direction === 'egress' ? pod : undefined,
    destination: direction === 'ingress' ? pod : undefined,
    policies: policy ? [policy] : [],
    reason: read.table,
    packets: countOf(read.packets) ?? 1n,
    raw,
    line,
  });
}

export const antreaNpLog: Decoder<AntreaLine> = {
  format: 'antrea-np-log',
  doc: 'audit log np.log of Antrea, 0.11 to 2.x (antrea-io/antrea `docs/antrea-network-policy.md`, `networkpolicy/audit_logging.go`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
