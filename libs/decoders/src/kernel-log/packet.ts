import { hasPorts, protocolFromName } from '@whydrop/model';
import type { Hook, IcmpTuple, PacketFacts, Protocol, Reject, TcpFlag } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import { reject } from '../lines.js';
import { decimal } from './fields.js';
import type { PacketWords } from './fields.js';

const FLAGS: readonly TcpFlag[] = ['CWR', 'ECE', 'URG', 'ACK', 'PSH', 'RST', 'SYN', 'FIN'];
const NAMED: Readonly<Record<string, Protocol>> = { ESP: 'IP-50', AH: 'IP-51' };

/** Reads `PROTO=`: a name of a few, the number of all others. */
export function protocolOf(text: string): Protocol | undefined {
  return NAMED[text] ?? protocolFromName(text);
}

/** Interface of a key; absent and empty both mean that the hook has none on that side. */
export function interfaceOf(words: PacketWords, key: string): string | undefined {
  const name = words.values.get(key);
  return name === '' ? undefined : name;
}

/** Flags that were printed, in the kernel's order. */
export function flagsOf(words: PacketWords): TcpFlag[] {
  return FLAGS.filter((flag) => words.bare.has(flag));
}

/** `MARK=0x40000` as a number; the kernel prints it only when it is not 0. */
export function markOf(words: PacketWords): number {
  const text = words.values.get('MARK');
  return text !== undefined && /^0x[0-9a-f]{1,8}$/i.test(text) ? Number(text) : 0;
}

/** Both sides mean FORWARD; one side alone fits two hooks each. */
export function hookOf(words: PacketWords): Hook | undefined {
  return interfaceOf(words, 'IN') !== undefined && interfaceOf(words, 'OUT') !== undefined ? 'FORWARD' : undefined;
}

function icmpOf(words: PacketWords, protocol: Protocol): IcmpTuple | undefined {
  const type = decimal(words, 'TYPE');
  if ((protocol !== 'ICMP' && protocol !== 'ICMPv6') || type === undefined) return undefined;
  return { type, code: decimal(words, 'CODE') ?? 0, id: decimal(words, protocol === 'ICMP' ? 'ID#2' : 'ID') };
}

/** A later fragment, or a packet whose headers were cut: the rest is missing in the packet, not in the line. */
function isPartial(words: PacketWords): boolean {
  if (words.bare.has('INCOMPLETE')) return true;
  for (const word of words.bare) if (word.startsWith('FRAG:')) return true;
  return false;
}

function isComplete(words: PacketWords, protocol: Protocol): boolean {
  if (words.open) return false;
  if (isPartial(words)) return true;
  if (protocol === 'ICMP' || protocol === 'ICMPv6') return words.values.has('CODE');
  // Flags stand before URGP=: without it one may be missing.
  if (protocol === 'TCP') return words.values.has('URGP');
  return protocol !== 'UDP' || words.values.has('LEN#2');
}

/** What nf_log_syslog printed about a packet; a reject when it ends in the middle or holds no address. */
export function packetFacts(words: PacketWords, raw: string, line: number): PacketFacts | Reject {
  const sourceText = words.values.get('SRC');
  const destinationText = words.values.get('DST');
  const protocolText = words.values.get('PROTO');
  if (sourceText === undefined || destinationText === undefined || protocolText === undefined) {
    return reject('TRUNCATED', line, raw, 'The packet line ends before SRC=, DST= or PROTO=.');
  }
  const source = canonicalAddress(sourceText);
  const destination = canonicalAddress(destinationText);
  const protocol = protocolOf(protocolText);
  if (source === undefined || destination === undefined || protocol === undefined) {
    return reject('BAD_VALUE', line, raw, 'An address or the protocol is not valid.');
  }
  if (!isComplete(words, protocol)) {
    return reject('TRUNCATED', line, raw, `The packet line ends inside its ${protocol} part.`);
  }
  const tcpFlags = flagsOf(words);
  return {
    tuple: {
      protocol,
      source,
      destination,
      sourcePort: hasPorts(protocol) ? decimal(words, 'SPT') : undefined,
      destinationPort: hasPorts(protocol) ? decimal(words, 'DPT') : undefined,
      icmp: icmpOf(words, protocol),
    },
    inInterface: interfaceOf(words, 'IN'),
    outInterface: interfaceOf(words, 'OUT'),
    physicalIn: interfaceOf(words, 'PHYSIN'),
    physicalOut: interfaceOf(words, 'PHYSOUT'),
    tcpFlags,
    tcpSequence: tcpFlags.includes('SYN') ? decimal(words, 'SEQ') : undefined,
    length: decimal(words, 'LEN'),
    mark: markOf(words),
  };
}
