import { canonicalIp, tupleKey, type Tuple } from '@whydrop/model';
import type { PacketWitness } from './witness.js';

const ENDS = /^[^\n]*? SRC=(\S+) DST=(\S+) [^\n]*?SPORT=(\d{1,5}) DPORT=(\d{1,5})/;

/**
 * The tuple with which a traced packet came to its node: the trace prints the headers anew at every hook, the first time
 * before DNAT. Undefined where nothing was translated on the way, for logs (which show one moment only), and without ports.
 */
export function sentTuple({ packet }: PacketWitness): Tuple | undefined {
  if (packet.kind !== 'trace') return undefined;
  const ends = ENDS.exec(packet.raw);
  const [source, destination] = [canonicalIp(ends?.[1] ?? ''), canonicalIp(ends?.[2] ?? '')];
  if (!ends || source === undefined || destination === undefined) return undefined;
  const ports = { sourcePort: Number(ends[3]), destinationPort: Number(ends[4]) };
  const sent = { ...packet.tuple, source, destination, ...ports };
  return tupleKey(sent) === tupleKey(packet.tuple) ? undefined : sent;
}
