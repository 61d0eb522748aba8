import { parseIp, type Family } from '@whydrop/model';

/** An address as the walk compares it: IPv4 as an unsigned 32-bit number, IPv6 as a bigint. */
export type Address = number | bigint;

/** Masked address and mask; IPv4 masks need not be contiguous. */
export type Net =
  | { readonly base: number; readonly mask: number; readonly prefix: number }
  | { readonly base: bigint; readonly mask: bigint; readonly prefix: number };

/** Reads an address; undefined when the text is none. */
export function parseAddress(text: string): Address | undefined {
  const ip = parseIp(text);
  if (!ip) return undefined;
  return ip.family === 'inet' ? Number(ip.value) : ip.value;
}

/** IPv4 addresses are numbers, IPv6 addresses bigints. */
export function familyOf(address: Address): Family {
  return typeof address === 'number' ? 'inet' : 'inet6';
}

const ALL_V6 = (1n << 128n) - 1n;

function maskOf(suffix: string, isV4: boolean): Address | undefined {
  if (!/^\d+$/.test(suffix)) return parseAddress(suffix);
  const bits = Number(suffix);
  if (isV4) return bits === 0 ? 0 : bits > 32 ? undefined : (0xffffffff << (32 - bits)) >>> 0;
  return bits > 128 ? undefined : (ALL_V6 >> BigInt(128 - bits)) << BigInt(128 - bits);
}

function prefixOf(mask: Address): number {
  return mask.toString(2).replaceAll('0', '').length;
}

/** Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `fd00::/8` or a bare address; undefined when it is none of them. */
export function parseNet(text: string): Net | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const isV4 = typeof address === 'number';
  const mask = slash < 0 ? maskOf(isV4 ? '32' : '128', isV4) : maskOf(text.slice(slash + 1), isV4);
  if (mask === undefined) return undefined;
  const prefix = prefixOf(mask);
  if (typeof address === 'number' && typeof mask === 'number') return { base: (address & mask) >>> 0, mask, prefix };
  if (typeof address === 'bigint' && typeof mask === 'bigint') return { base: address & mask, mask, prefix };
  return undefined;
}

/** Whether the network contains the address; one of the other family never is in it. */
export function netContains(net: Net, address: Address): boolean {
  if (typeof address === 'number')
    return typeof net.base === 'number' && (address & Number(net.mask)) >>> 0 === net.base;
  return typeof net.mask === 'bigint' && (address & net.mask) === net.base;
}

/** The address with only its first bits, as a key. */
export function maskedKey(address: Address, prefix: number): string {
  if (typeof address === 'number') return prefix === 0 ? '0' : String((address & (0xffffffff << (32 - prefix))) >>> 0);
  const shift = BigInt(128 - prefix);
  return `v6:${(address >> shift) << shift}`;
}
