import { hasPorts, MICROS_PER_SECOND, protocolFromNumber } from '@whydrop/model';
import type { Hook, IcmpTuple, Instant, PacketObservation, Protocol, Reject, TcpFlag } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import type { StreamContext } from '../decoder.js';
import { reject } from '../lines.js';
import { instantOfWallClock, wallClockOf } from '../local-time.js';
import type { NflogRecord } from './record.js';

const HOOKS: readonly Hook[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
const FLAGS: readonly TcpFlag[] = ['CWR', 'ECE', 'URG', 'ACK', 'PSH', 'RST', 'SYN', 'FIN'];
const IPV6_HEADER = 40;
const WALL = /^(\d{4})[-/](\d{2})[-/](\d{2})[-T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|\+00:?00)?$/;

/** Reads the fields of one record: numbers, and the first of several names that is there. */
class Fields {
  constructor(private readonly fields: ReadonlyMap<string, string>) {}

  text(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.fields.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  number(...names: readonly string[]): number | undefined {
    const text = this.text(...names);
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }
}

/** Interface names: empty on the side a hook does not have. */
function nameOf(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** The kernel's own stamp is UTC and is preferred; the other is the time of writing, taken as UTC. */
function timeOf(fields: Fields): Instant | undefined {
  const seconds = fields.number('oob.time.sec');
  if (seconds !== undefined && seconds > 0 && seconds < 9_000_000_000) {
    return seconds * MICROS_PER_SECOND + ((fields.number('oob.time.usec') ?? 0) % MICROS_PER_SECOND);
  }
  const match = WALL.exec(fields.text('timestamp', '@timestamp') ?? '');
  return match ? instantOfWallClock(wallClockOf(match), 'UTC') : undefined;
}

function icmpOf(fields: Fields, protocol: Protocol): IcmpTuple | undefined {
  if (protocol !== 'ICMP' && protocol !== 'ICMPv6') return undefined;
  const name = protocol === 'ICMP' ? 'icmp' : 'icmpv6';
  const type = fields.number(`${name}.type`);
  if (type === undefined) return undefined;
  return { type, code: fields.number(`${name}.code`) ?? 0, id: fields.number(`${name}.echoid`) };
}

function lengthOf(fields: Fields): number | undefined {
  const payload = fields.number('ip6.payloadlen');
  return fields.number('ip.totlen') ?? (payload === undefined ? undefined : payload + IPV6_HEADER);
}

function portOf(fields: Fields, protocol: Protocol, names: readonly string[]): number | undefined {
  return hasPorts(protocol) ? fields.number(...names) : undefined;
}

function portNames(side: 's' | 'd'): string[] {
  const json = side === 's' ? 'src_port' : 'dest_port';
  return [json, `tcp.${side}port`, `udp.${side}port`, `sctp.${side}port`, `dccp.${side}port`];
}

/** A packet that NFLOG handed to ulogd2, in our words. `action` of the JSON output is configuration and is not read. */
export function nflogPacket(record: NflogRecord, context: StreamContext): PacketObservation | Reject {
  const fields = new Fields(record.fields);
  const refuse = (reason: 'NO_TIME' | 'MISSING_FIELD' | 'BAD_VALUE', detail: string): Reject =>
    reject(reason, record.line, record.raw, detail);
  const observedAt = timeOf(fields);
  if (observedAt === undefined) return refuse('NO_TIME', 'Neither oob.time.sec nor a readable timestamp.');
  const sourceText = fields.text('src_ip', 'ip.saddr.str', 'ip.saddr');
  const destinationText = fields.text('dest_ip', 'ip.daddr.str', 'ip.daddr');
  const number = fields.number('ip.protocol');
  if (sourceText === undefined || destinationText === undefined || number === undefined) {
    return refuse('MISSING_FIELD', 'Expected addresses (plugin IP2STR) and ip.protocol.');
  }
  const source = canonicalAddress(sourceText);
  const destination = canonicalAddress(destinationText);
  if (source === undefined || destination === undefined || number > 255) {
    return refuse('BAD_VALUE', 'An address or the protocol number is not valid.');
  }
  const protocol = protocolFromNumber(number);
  const tcpFlags = FLAGS.filter((flag) => fields.text(`tcp.${flag.toLowerCase()}`) === '1');
  const group = context.attributes['group'];
  return {
    kind: 'packet',
    observedAt,
    channel: 'nflog',
    prefix: fields.text('oob.prefix') ?? '',
    group: group !== undefined && /^\d{1,5}$/.test(group) ? Number(group) : undefined,
    hook: HOOKS[fields.number('oob.hook') ?? -1],
    tuple: {
      protocol,
      source,
      destination,
      sourcePort: portOf(fields, protocol, portNames('s')),
      destinationPort: portOf(fields, protocol, portNames('d')),
      icmp: icmpOf(fields, protocol),
    },
    inInterface: nameOf(fields.text('oob.in')),
    outInterface: nameOf(fields.text('oob.out')),
    physicalIn: nameOf(fields.text('oob.physin')),
    physicalOut: nameOf(fields.text('oob.physout')),
    tcpFlags,
    tcpSequence: tcpFlags.includes('SYN') ? fields.number('tcp.seq') : undefined,
    length: lengthOf(fields),
    mark: fields.number('oob.mark'),
    raw: record.raw,
    line: record.line,
  };
}
