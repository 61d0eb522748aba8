import type { Protocol } from './protocol.js';

/** ICMP part of a tuple: what conntrack keys an echo by. */
export interface IcmpTuple {
  readonly type: number;
  readonly code: number;
  readonly id: number | undefined;
}

/** One direction of a conversation, addresses in canonical spelling. Ports are absent where the protocol has none. */
export interface Tuple {
  readonly protocol: Protocol;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  readonly icmp: IcmpTuple | undefined;
}

/** Stable text of a tuple, used as a key: `TCP 10.0.0.1:4000>10.0.0.2:80`, `ICMP 10.0.0.1>10.0.0.2#8/7714`. */
export function tupleKey(tuple: Tuple): string {
  const icmp = tuple.icmp ? `#${tuple.icmp.type}/${tuple.icmp.id ?? ''}` : '';
  return `${tuple.protocol} ${tuple.source}:${tuple.sourcePort ?? ''}>${tuple.destination}:${tuple.destinationPort ?? ''}${icmp}`;
}

/** The tuple of the answer, as a plain swap of both ends (NAT is not undone). */
export function reversedTuple(tuple: Tuple): Tuple {
  return {
    ...tuple,
    source: tuple.destination,
    destination: tuple.source,
    sourcePort: tuple.destinationPort,
    destinationPort: tuple.sourcePort,
  };
}

/**
 * 53-bit hash of a tuple's key (two mixed 32-bit lanes), exact in a double and in a bigint column. It only finds
 * candidates: whoever uses it compares the tuples afterwards.
 */
export function tupleHash(tuple: Tuple): number {
  const key = tupleKey(tuple);
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}
