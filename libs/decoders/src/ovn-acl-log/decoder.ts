import { instantFromRfc3339 } from '@whydrop/model';
import type {
  Denial,
  FlowEnds,
  FlowVerdict,
  FlowVerdictObservation,
  NamedPolicy,
  PolicyDirection,
  Protocol,
  Reject,
} from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { containerLine } from '../container-log.js';
import type { Decoder } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { flowEnds, flowVerdict, namedPolicy, portOf } from '../verdict.js';

/** One audit line in OVN's words. */
export interface AclLine {
  readonly time: string;
  readonly name: string;
  readonly verdict: string;
  readonly direction: string;
  /** First word of the flow text: `tcp`, `icmp6`. */
  readonly protocol: string;
  readonly keys: ReadonlyMap<string, string>;
  readonly raw: string;
  readonly line: number;
}

const HEAD =
  /(\d{4}-\d{2}-\d{2}T[\d:.]{8,15}Z)\|\d{1,12}\|acl_log\([^)]{0,40}\)\|INFO\|name="?([^",]{0,80})"?, verdict=(\w{1,10}), severity=\w{1,10}, direction=([a-z-]{1,15}): /;
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  tcp: 'TCP',
  tcp6: 'TCP',
  udp: 'UDP',
  udp6: 'UDP',
  sctp: 'SCTP',
  sctp6: 'SCTP',
  icmp: 'ICMP',
  icmp6: 'ICMPv6',
};
const VERDICTS: Readonly<Record<string, FlowVerdict>> = {
  allow: 'allowed',
  drop: 'dropped',
  reject: 'rejected',
  pass: 'unknown',
};
/** Names are cut to this many characters. */
const NAME_LIMIT = 63;

function readLine(line: Line): AclLine | Reject | undefined {
  const { text } = containerLine(line.text);
  if (!text.includes('acl_log')) return undefined;
  const head = HEAD.exec(text.slice(0, 1000));
  if (!head) return reject('TRUNCATED', line.number, line.text, 'Expected name=, verdict=, severity= and direction=.');
  const [protocol = '', ...pairs] = text
    .slice(head.index + head[0].length)
    .trim()
    .split(',', 100);
  const keys = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals > 0) keys.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  if (!line.terminated && protocol.startsWith('tcp') && !keys.has('tcp_flags')) {
    return reject('TRUNCATED', line.number, line.text, 'The line ends before tcp_flags=.');
  }
  const [, time = '', name = '', verdict = '', direction = ''] = head;
  return { time, name, verdict, direction, protocol, keys, raw: line.text, line: line.number };
}

/** What a name of an ACL says. */
interface AclName {
  readonly policy: NamedPolicy | undefined;
  readonly isDefaultDeny: boolean;
}

const NOTHING: AclName = { policy: undefined, isDefaultDeny: false };

function indexOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

/** `NP:ns:policy:Ingress:0` is a rule, `NP:ns:Ingress` the default deny of the namespace. */
function currentName(name: string, action: NamedPolicy['action']): AclName | undefined {
  const parts = name.split(':');
  const [type, first = '', second = '', , last] = parts;
  const isCut = name.length >= NAME_LIMIT;
  if (type === 'NP' && parts.length === 3)
    return { policy: undefined, isDefaultDeny: second === 'Ingress' || second === 'Egress' };
  if (type === 'NP' && second !== '') {
    const rule = isCut ? undefined : indexOf(last);
    return {
      policy: namedPolicy({ kind: 'NetworkPolicy', namespace: first, name: second, action, rule, part: 'rule' }),
      isDefaultDeny: false,
    };
  }
  if (type === 'ANP' || type === 'BANP') {
    const kind = type === 'ANP' ? 'AdminNetworkPolicy' : 'BaselineAdminNetworkPolicy';
    const policy = namedPolicy({
      kind,
      namespace: null,
      name: first,
      action,
      rule: isCut ? undefined : indexOf(parts[3]),
      part: 'rule',
    });
    return { policy, isDefaultDeny: false };
  }
  if (type !== 'EF') return undefined;
  const policy = namedPolicy({
    kind: 'EgressFirewall',
    namespace: first,
    name: 'default',
    action,
    rule: indexOf(second),
    part: 'rule',
  });
  return { policy, isDefaultDeny: false };
}

/** Until April 2023: `ns_policy_0`, `ns_ingressDefaultDeny`. Names of objects have no underscore. */
function formerName(name: string, action: NamedPolicy['action']): AclName {
  const parts = name.split('_');
  if (parts.length === 2 && /^(in|e)gressDefaultDeny$/.test(parts[1] ?? ''))
    return { policy: undefined, isDefaultDeny: true };
  const rule = indexOf(parts[2]);
  if (parts.length !== 3 || rule === undefined) return NOTHING;
  const policy = namedPolicy({
    kind: 'NetworkPolicy',
    namespace: parts[0] ?? null,
    name: parts[1] ?? '',
    action,
    rule,
    part: 'rule',
  });
  return { policy, isDefaultDeny: false };
}

function aclName(read: AclLine): AclName {
  const actions: Readonly<Record<string, NamedPolicy['action']>> = {
    allow: 'allow',
    drop: 'deny',
    reject: 'deny',
    pass: 'pass',
  };
  return currentName(read.name, actions[read.verdict]) ?? formerName(read.name, actions[read.verdict]);
}

function denialOf(verdict: FlowVerdict, name: AclName): Denial | undefined {
  if (verdict !== 'dropped' && verdict !== 'rejected') return undefined;
  if (name.isDefaultDeny) return 'default';
  return name.policy ? 'explicit' : 'policy';
}

function endsOf(read: AclLine): FlowEnds | undefined {
  const { keys } = read;
  const protocol = PROTOCOLS[read.protocol];
  const source = canonicalAddress(keys.get('nw_src') ?? keys.get('ipv6_src') ?? '');
  const destination = canonicalAddress(keys.get('nw_dst') ?? keys.get('ipv6_dst') ?? '');
  if (protocol === undefined || source === undefined || destination === undefined) return undefined;
  const type = indexOf(keys.get('icmp_type'));
  const isIcmp = (protocol === 'ICMP' || protocol === 'ICMPv6') && type !== undefined;
  return flowEnds({
    protocol,
    source,
    destination,
    sourcePort: portOf(keys.get('tp_src')),
    destinationPort: portOf(keys.get('tp_dst')),
    icmp: isIcmp ? { type, code: indexOf(keys.get('icmp_code')) ?? 0, id: undefined } : undefined,
  });
}

function normalise(read: AclLine): FlowVerdictObservation | Reject {
  const { raw, line } = read;
  const observedAt = instantFromRfc3339(read.time);
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'The time in front is not valid.');
  const ends = endsOf(read);
  if (!ends) return reject('UNSUPPORTED', line, raw, 'The packet is no TCP, UDP, SCTP or ICMP packet with addresses.');
  const verdict = VERDICTS[read.verdict] ?? 'unknown';
  const direction: PolicyDirection | undefined =
    read.direction === 'from-lport' ? 'egress' : read.direction === 'to-lport' ? 'ingress' : undefined;
  const name = aclName(read);
  return flowVerdict({
    emitter: 'ovn-kubernetes',
    observedAt,
    verdict,
    denial: denialOf(verdict, name),
    reporter: direction === 'egress' ? 'source' : direction === 'ingress' ? 'destination' : undefined,
    direction,
    ends,
    policies: name.policy ? [name.policy] : [],
    reason: read.name,
    packets: 1n,
    raw,
    line,
  });
}

export const ovnAclLog: Decoder<AclLine> = {
  format: 'ovn-acl-log',
  doc: 'ACL audit lines of OVN-Kubernetes in ovn-controller’s log (ovn-org/ovn `lib/acl-log.c`, ovn-kubernetes `libovsdb/ops/db_object_ids.go`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
