import { familyBits, formatIp, parseCidr, parseIp, type Family } from '@whydrop/model';

/** An address prepared for comparing: IPv4 as one number, IPv6 as a big one. */
export interface Address {
  readonly family: Family;
  readonly value: number | bigint;
  readonly text: string;
}

/** A network as its first and last address. */
export interface Network {
  readonly family: Family;
  readonly first: number | bigint;
  readonly last: number | bigint;
  readonly prefix: number;
  readonly text: string;
}

/** Reads an address; undefined when the text is none. IPv4 mapped into IPv6 is the IPv4 address. */
export function addressOf(text: string): Address | undefined {
  const ip = parseIp(text.trim());
  if (!ip) return undefined;
  if (ip.family === 'inet') return { family: 'inet', value: Number(ip.value), text: formatIp(ip) };
  if (ip.value >> 32n === 0xffffn) {
    const value = ip.value & 0xffffffffn;
    return { family: 'inet', value: Number(value), text: formatIp({ family: 'inet', value }) };
  }
  return { family: 'inet6', value: ip.value, text: formatIp(ip) };
}

/** Reads `10.0.0.0/8` or a bare address; undefined when it is neither. Host bits are cut. */
export function networkOf(text: string): Network | undefined {
  const cidr = parseCidr(text.trim());
  if (!cidr) return undefined;
  const size = 1n << BigInt(familyBits(cidr.family) - cidr.prefix);
  const last = cidr.value + size - 1n;
  const narrow = (value: bigint): number | bigint => (cidr.family === 'inet' ? Number(value) : value);
  const shown = `${formatIp(cidr)}/${cidr.prefix}`;
  return { family: cidr.family, first: narrow(cidr.value), last: narrow(last), prefix: cidr.prefix, text: shown };
}

/** Whether the network contains the address; one of the other family never is in it. */
export function contains(network: Network, address: Address): boolean {
  return network.family === address.family && network.first <= address.value && address.value <= network.last;
}

/** Whether the network lies wholly in the other one. */
export function within(inner: Network, outer: Network): boolean {
  return inner.family === outer.family && outer.first <= inner.first && inner.last <= outer.last;
}
