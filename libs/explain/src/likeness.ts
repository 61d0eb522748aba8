import type { Surroundings } from './surroundings.js';
import { familyOf } from './chain-rule-ref.js';
import { SNAPSHOT_TAKES } from './conservation.js';
import { asksSourcePort } from './like.js';
import type { ClusterView } from './view.js';
import type { Attempt, FlowWitness, PacketWitness } from './witness.js';

/** Numbers for objects, so that they can stand in a key. */
function numbered(): (object: object | undefined) => number {
  const known = new WeakMap<object, number>();
  let last = 0;
  return (object) => {
    if (object === undefined) return 0;
    const found = known.get(object);
    if (found !== undefined) return found;
    known.set(object, ++last);
    return last;
  };
}

/** A connect that was opened and not answered, its source as it was sent. */
function flowText({ node, flow }: FlowWitness): string | undefined {
  const { original, reply } = flow;
  if (flow.event !== 'new' || !flow.unreplied || flow.assured) return undefined;
  if (reply.destination !== original.source || reply.destinationPort !== original.sourcePort) return undefined;
  return ` f${node} ${flow.state} ${original.destination}:${original.destinationPort} ${reply.source}:${reply.sourcePort}`;
}

/** A logged SYN with everything but its source port, its numbers and its time. */
function packetText({ node, packet }: PacketWitness, first: PacketWitness): string | undefined {
  if (packet.kind !== 'packet' || packet.physicalIn !== undefined || first.packet.kind !== 'packet') return undefined;
  if (packet.tcpFlags.length !== 1 || packet.tcpFlags[0] !== 'SYN') return undefined;
  if (node !== first.node || packet.prefix !== first.packet.prefix) return undefined;
  const { channel, group, hook, inInterface, outInterface, physicalOut, mark, length } = packet;
  return ` p${node} ${channel} ${group} ${hook} ${inInterface} ${outInterface} ${physicalOut} ${mark} ${length} ${packet.prefix}`;
}

/** What was seen of the attempt, without what tells like attempts apart. */
function seenText({ tuple, flows, packets }: Attempt): string | undefined {
  let text = `${tuple.source}>${tuple.destination}:${tuple.destinationPort}`;
  for (const witness of flows) {
    const part = flowText(witness);
    if (part === undefined) return undefined;
    text += part;
  }
  for (const witness of packets) {
    const part = packets[0] && packetText(witness, packets[0]);
    if (part === undefined) return undefined;
    text += part;
  }
  return text;
}

/**
 * Gives attempts a text that is the same for those that cannot be told apart but by source port, sequence number and time,
 * and that met the same objects, rulesets and sets. Only plain TCP connects have one; the others are decided one by one.
 */
export function likenesses(surroundings: Surroundings): (attempt: Attempt, view: ClusterView) => string | undefined {
  const idOf = numbered();
  return (attempt, view) => {
    const { tuple, verdicts, packets, firstSeenAt, lastPacketAt } = attempt;
    if (tuple.protocol !== 'TCP' || verdicts.length > 0) return undefined;
    const node = packets[0]?.node ?? view.podsByIp(tuple.destination)[0]?.node;
    const seen = node === undefined ? undefined : seenText(attempt);
    if (node === undefined || seen === undefined) return undefined;
    const sets = surroundings.ipsets(node, firstSeenAt);
    if (surroundings.ipsets(node, lastPacketAt) !== sets) return undefined;
    let around = `${idOf(view)} ${idOf(sets)}`;
    const family = familyOf(tuple.source);
    // Counters of the snapshot before the last one bear on what no log shows, too.
    const wider =
      packets.length > 0 ? [] : surroundings.rulesets(node, family, firstSeenAt - SNAPSHOT_TAKES, lastPacketAt);
    for (const { before } of wider) around += ` ${idOf(before)}`;
    for (const { before, after } of surroundings.rulesets(node, family, firstSeenAt, lastPacketAt)) {
      if ((before && asksSourcePort(before)) || (after && asksSourcePort(after))) return undefined;
      around += ` ${idOf(before)}-${idOf(after)}`;
    }
    return `${around} ${seen}`;
  };
}
