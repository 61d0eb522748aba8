/** Address family as iptables and ipset print it. */
export type Family = 'inet' | 'inet6';

/** An address as a number, with its family: what comparing and containing need. */
export interface IpValue {
  readonly family: Family;
  readonly value: bigint;
}

/** A network: the masked address and the number of leading bits that count. */
export interface Cidr extends IpValue {
  readonly prefix: number;
}

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function parseV4(text: string): number | undefined {
  const match = V4.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i]);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = i === parts.length - 1 ? parseV4(part) : undefined;
      if (v4 === undefined) return undefined;
      groups.push(Math.floor(v4 / 65536), v4 % 65536);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
    groups.push(parseInt(part, 16));
  }
  return groups;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '');
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '') : [];
  if (!head || !tail) return undefined;
  const gap = 8 - head.length - tail.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: gap }, () => 0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Reads an IPv4 or IPv6 address (no zone, no prefix); undefined when it is none. */
export function parseIp(text: string): IpValue | undefined {
  if (text.includes(':')) {
    const value = parseV6(text);
    return value === undefined ? undefined : { family: 'inet6', value };
  }
  const value = parseV4(text);
  return value === undefined ? undefined : { family: 'inet', value: BigInt(value) };
}

/** Number of bits of an address of this family. */
export function familyBits(family: Family): number {
  return family === 'inet' ? 32 : 128;
}

function masked(ip: IpValue, prefix: number): bigint {
  const shift = BigInt(familyBits(ip.family) - prefix);
  return (ip.value >> shift) << shift;
}

/** Reads `10.0.0.0/8`, or a bare address as a full-length network; host bits are cut. Undefined when it is none. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (!ip) return undefined;
  const bits = familyBits(ip.family);
  if (slash < 0) return { ...ip, prefix: bits };
  const suffix = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > bits) return undefined;
  return { family: ip.family, value: masked(ip, Number(suffix)), prefix: Number(suffix) };
}

/** Whether the network contains the address; addresses of another family never are. */
export function cidrContains(cidr: Cidr, ip: IpValue): boolean {
  return cidr.family === ip.family && masked(ip, cidr.prefix) === cidr.value;
}

function formatV6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > best.length) best = { start: i, length: j - i };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

/** Writes an address in its canonical spelling (RFC 5952 for IPv6). */
export function formatIp(ip: IpValue): string {
  if (ip.family === 'inet6') return formatV6(ip.value);
  const value = Number(ip.value);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/**
 * The one spelling of an address that everything is keyed by. Sources differ: `/proc` and kernel logs write IPv6 in
 * full, conntrack and traces write it short. Undefined when the text is no address.
 */
export function canonicalIp(text: string): string | undefined {
  if (V4.test(text) && !/(^|\.)0\d/.test(text)) return parseV4(text) === undefined ? undefined : text;
  const ip = parseIp(text);
  return ip && formatIp(ip);
}
