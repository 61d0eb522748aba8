import type { Cause, EvidenceItem, NoticeCode } from '@whydrop/model';
import { formatInstant } from '@whydrop/model';
import type { Case } from './case.js';

/** A message of the kernel may lie this far from the packet it is about, in µs: the kernel limits how often it says so. */
const BESIDE = 5_000_000;
/** An address that was another pod's so shortly before may still be in a neighbour table, in µs. */
const FRESH_ADDRESS = 60_000_000;

/** A cause outside of all rules, with what shows it. It fits in time: it names no packet. */
export interface HostCause {
  readonly cause: Cause;
  readonly item: EvidenceItem;
  readonly assumption: string | undefined;
}

const BY_TIME = 'by its time: what the node said or counted names no packet';

function noticed(subject: Case, node: string, code: NoticeCode, cause: Cause): HostCause | undefined {
  const { firstSeenAt, lastPacketAt, tuple } = subject.attempt;
  const found = subject.surroundings.host?.notices(node, code, firstSeenAt - BESIDE, lastPacketAt + BESIDE) ?? [];
  const named = found.find(({ raw }) => {
    const words = raw.split(/[^0-9a-f.:]+/i);
    return words.includes(tuple.source) && words.includes(tuple.destination);
  });
  // A martian is told with its addresses: another one's message says nothing about this packet.
  const notice = code === 'MARTIAN_SOURCE' ? named : (named ?? found[0]);
  if (!notice) return undefined;
  const shows = `the node said: ${notice.raw.trim().slice(0, 200)}`;
  const item = { channel: 'host', node, observedAt: notice.observedAt, shows, raw: notice.raw } as const;
  return { cause, item, assumption: named ? undefined : `${cause} is told ${BY_TIME}` };
}

function grown(subject: Case, node: string, names: readonly string[], cause: Cause): HostCause | undefined {
  const { firstSeenAt, lastPacketAt } = subject.attempt;
  for (const name of names) {
    const growth = subject.surroundings.host?.growth(node, name, firstSeenAt, lastPacketAt);
    if (!growth || growth.by <= 0) continue;
    const { by, from, to } = growth;
    const shows = `${name} rose by ${by} between ${formatInstant(from)} and ${formatInstant(to)}`;
    const item = { channel: 'host', node, observedAt: to, shows, raw: undefined } as const;
    return { cause, item, assumption: `${cause} is told ${BY_TIME}` };
  }
  return undefined;
}

/** The kernel counts a clash as a drop, too: only what was dropped beyond the clashes tells of a full table. */
function lostByConntrack(subject: Case, node: string): HostCause | undefined {
  const { firstSeenAt, lastPacketAt } = subject.attempt;
  const by = (name: string) => subject.surroundings.host?.growth(node, name, firstSeenAt, lastPacketAt)?.by ?? 0;
  const clash = grown(subject, node, ['conntrack_insert_failed'], 'CT_INSERT_FAILED');
  if (clash && by('conntrack_drop') <= by('conntrack_insert_failed')) return clash;
  return grown(subject, node, ['conntrack_drop', 'conntrack_early_drop'], 'CT_TABLE_FULL') ?? clash;
}

/** What a node that never tracked the packet says of itself: the strongest first. */
export function lostOnNode(subject: Case, node: string): HostCause | undefined {
  return (
    noticed(subject, node, 'MARTIAN_SOURCE', 'RP_FILTER') ??
    noticed(subject, node, 'CONNTRACK_TABLE_FULL', 'CT_TABLE_FULL') ??
    lostByConntrack(subject, node) ??
    grown(subject, node, ['netstat_TcpExt_IPReversePathFilter'], 'RP_FILTER') ??
    grown(subject, node, ['netstat_IpExt_InNoRoutes', 'netstat_Ip_OutNoRoutes'], 'NO_ROUTE') ??
    grown(subject, node, ['softnet_dropped'], 'NIC_QDISC_SOFTNET')
  );
}

/** Whether the destination's address was another pod's shortly before. */
function reusedAddress(subject: Case, node: string): HostCause | undefined {
  const { destination, attempt, surroundings } = subject;
  const at = attempt.firstSeenAt - FRESH_ADDRESS;
  const before = surroundings.history.at(at).podsByIp(destination.ip)[0];
  if (!before || !destination.pod) return undefined;
  if (before.namespace === destination.pod.namespace && before.name === destination.pod.name) return undefined;
  const shows = `a minute before, ${destination.ip} was the address of pod ${before.namespace}/${before.name}`;
  const item = { channel: 'policy', node, observedAt: at, shows, raw: undefined } as const;
  const assumption = `the neighbour table of node ${node} still had the old pod's entry`;
  return { cause: 'NEIGH_FAIL', item, assumption };
}

/** What stands between the node that let the packet through and the pod's answer. */
export function lostBehindNode(subject: Case, node: string): HostCause | undefined {
  return (
    noticed(subject, node, 'NEIGHBOUR_TABLE_OVERFLOW', 'NEIGH_FAIL') ??
    grown(subject, node, ['netstat_TcpExt_ListenOverflows', 'netstat_TcpExt_ListenDrops'], 'LISTEN_OVERFLOW') ??
    reusedAddress(subject, node)
  );
}

/** The enforcer of a node started around that time: its rules and sets were rebuilt. */
export function agentRestart(subject: Case, node: string | undefined): HostCause | undefined {
  if (node === undefined) return undefined;
  const { firstSeenAt, lastPacketAt } = subject.attempt;
  const [from, to] = [firstSeenAt - FRESH_ADDRESS, lastPacketAt + BESIDE];
  const notice = subject.surroundings.host?.notices(node, 'AGENT_RESTARTED', from, to)[0];
  if (!notice) return undefined;
  const shows = `the enforcer said: ${notice.raw.trim().slice(0, 200)}`;
  const item = { channel: 'host', node, observedAt: notice.observedAt, shows, raw: notice.raw } as const;
  return { cause: 'AGENT_RESTART_FLUSH', item, assumption: undefined };
}
