import { parseIp, protocolNumber, type Tuple, type TcpFlag } from '@whydrop/model';

/** A packet to be built: what goes into its headers. */
export interface PacketPlan {
  readonly tuple: Tuple;
  readonly tcpFlags: readonly TcpFlag[];
  readonly ttl: number;
  /** IP id (IPv4) or flow label (IPv6): tells packets apart in the trace. */
  readonly id: number;
  readonly payload: number;
  /** For an ICMP error: the packet it complains about. */
  readonly about: PacketPlan | undefined;
}

const FLAG_BITS: Readonly<Record<TcpFlag, number>> = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ECE: 64,
  CWR: 128,
};

function addressBytes(text: string): Buffer {
  const ip = parseIp(text);
  if (!ip) throw new Error(`no address: ${text}`);
  const digits = ip.family === 'inet' ? 8 : 32;
  return Buffer.from(ip.value.toString(16).padStart(digits, '0'), 'hex');
}

/** Internet checksum over 16-bit words. */
function checksum(...parts: readonly Buffer[]): number {
  const all = Buffer.concat(parts);
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) sum += (all[i] ?? 0) * 256 + (all[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return ~sum & 0xffff;
}

function pseudoHeader(tuple: Tuple, length: number): Buffer {
  const source = addressBytes(tuple.source);
  const destination = addressBytes(tuple.destination);
  const protocol = protocolNumber(tuple.protocol);
  const tail = Buffer.alloc(source.length === 4 ? 4 : 8);
  if (source.length === 4) tail.set([0, protocol, length >> 8, length & 0xff]);
  else tail.set([0, 0, length >> 8, length & 0xff, 0, 0, 0, protocol]);
  return Buffer.concat([source, destination, tail]);
}

function tcp(plan: PacketPlan): Buffer {
  const header = Buffer.alloc(20 + plan.payload);
  header.writeUInt16BE(plan.tuple.sourcePort ?? 0, 0);
  header.writeUInt16BE(plan.tuple.destinationPort ?? 0, 2);
  header.writeUInt32BE(1_000 + plan.id, 4);
  header[12] = 0x50;
  header[13] = plan.tcpFlags.reduce((bits, flag) => bits | FLAG_BITS[flag], 0);
  header.writeUInt16BE(64_240, 14);
  header.writeUInt16BE(checksum(pseudoHeader(plan.tuple, header.length), header), 16);
  return header;
}

function udp(plan: PacketPlan): Buffer {
  const header = Buffer.alloc(8 + plan.payload);
  header.writeUInt16BE(plan.tuple.sourcePort ?? 0, 0);
  header.writeUInt16BE(plan.tuple.destinationPort ?? 0, 2);
  header.writeUInt16BE(header.length, 4);
  const sum = checksum(pseudoHeader(plan.tuple, header.length), header);
  header.writeUInt16BE(sum === 0 ? 0xffff : sum, 6);
  return header;
}

function icmp(plan: PacketPlan): Buffer {
  const inner = plan.about ? ipPacket(plan.about).subarray(0, 48) : Buffer.alloc(plan.payload);
  const message = Buffer.concat([Buffer.alloc(8), inner]);
  message[0] = plan.tuple.icmp?.type ?? 8;
  message[1] = plan.tuple.icmp?.code ?? 0;
  if (!plan.about) message.writeUInt16BE(plan.tuple.icmp?.id ?? 0, 4);
  const isV6 = plan.tuple.protocol === 'ICMPv6';
  message.writeUInt16BE(isV6 ? checksum(pseudoHeader(plan.tuple, message.length), message) : checksum(message), 2);
  return message;
}

function transport(plan: PacketPlan): Buffer {
  switch (plan.tuple.protocol) {
    case 'TCP':
      return tcp(plan);
    case 'UDP':
      return udp(plan);
    default:
      return icmp(plan);
  }
}

/** The whole IP packet, checksums included: conntrack calls a packet with a wrong one INVALID. */
export function ipPacket(plan: PacketPlan): Buffer {
  const body = transport(plan);
  const source = addressBytes(plan.tuple.source);
  const destination = addressBytes(plan.tuple.destination);
  const protocol = protocolNumber(plan.tuple.protocol);
  if (source.length === 16) {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(0x60000000 + plan.id, 0);
    head.writeUInt16BE(body.length, 4);
    head.set([protocol, plan.ttl], 6);
    return Buffer.concat([head, source, destination, body]);
  }
  const head = Buffer.alloc(12);
  head[0] = 0x45;
  head.writeUInt16BE(20 + body.length, 2);
  head.writeUInt16BE(plan.id, 4);
  head.set([plan.ttl, protocol], 8);
  head.writeUInt16BE(checksum(head, source, destination), 10);
  return Buffer.concat([head, source, destination, body]);
}

function macBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

/** The packet in a frame from one MAC address to another. */
export function frame(plan: PacketPlan, sourceMac: string, destinationMac: string): Buffer {
  const etherType = Buffer.from(plan.tuple.source.includes(':') ? '86dd' : '0800', 'hex');
  return Buffer.concat([macBytes(destinationMac), macBytes(sourceMac), etherType, ipPacket(plan)]);
}
