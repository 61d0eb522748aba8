import type { Hook } from '@whydrop/model';
import type { BaseChain } from '../base-chains.js';
import { netContains, parseNet } from './address.js';
import type { TableKind, WalkPacket } from './state.js';

/** A base chain on a packet's way. */
export type PathStop = `${'raw' | 'mangle' | 'nat' | 'filter' | 'security'}:${Hook}`;

const PREROUTING: readonly PathStop[] = ['raw:PREROUTING', 'mangle:PREROUTING', 'nat:PREROUTING'];
const POSTROUTING: readonly PathStop[] = ['mangle:POSTROUTING', 'nat:POSTROUTING'];

const PATHS: Readonly<Record<Hook, readonly PathStop[]>> = {
  PREROUTING,
  INPUT: [...PREROUTING, 'mangle:INPUT', 'filter:INPUT', 'security:INPUT', 'nat:INPUT'],
  FORWARD: [...PREROUTING, 'mangle:FORWARD', 'filter:FORWARD', 'security:FORWARD', ...POSTROUTING],
  OUTPUT: ['raw:OUTPUT', 'mangle:OUTPUT', 'nat:OUTPUT', 'filter:OUTPUT', 'security:OUTPUT', ...POSTROUTING],
  POSTROUTING,
};

function isLocal(address: string, localAddresses: readonly string[]): boolean {
  const ip = parseNet(address);
  return (
    ip !== undefined &&
    localAddresses.some((text) => {
      const own = parseNet(text.split('/')[0] ?? text);
      return own !== undefined && netContains(own, ip.base);
    })
  );
}

/** The hook that filters a packet, from what is known of its interfaces and the node's addresses. */
export function hookOf(packet: WalkPacket, localAddresses?: readonly string[]): Hook {
  if (packet.hook) return packet.hook;
  if (packet.inInterface === null) return 'OUTPUT';
  if (packet.outInterface === null) return 'INPUT';
  if (packet.inInterface !== undefined && packet.outInterface !== undefined) return 'FORWARD';
  if (packet.outInterface !== undefined && localAddresses && isLocal(packet.tuple.source, localAddresses))
    return 'OUTPUT';
  return localAddresses && isLocal(packet.tuple.destination, localAddresses) ? 'INPUT' : 'FORWARD';
}

/** A base chain as the walk needs it: where it is, and what kind of table it belongs to. */
export interface Stop {
  readonly table: string;
  readonly chain: string;
  readonly hook: Hook;
  readonly kind: TableKind;
}

/** A base chain of iptables as the walk needs it. */
export function stopOf(text: PathStop): Stop {
  const [table = '', hook = ''] = text.split(':');
  const kind = table === 'raw' || table === 'nat' || table === 'filter' ? table : 'other';
  return { table, chain: hook, hook: hook as Hook, kind };
}

/** Priorities at which conntrack looks at a packet: what runs before it is like the raw table. */
const CONNTRACK_PRIORITY = -200;
const MANGLE_PRIORITY = -150;

function stopOfBase({ table, chain, hook, type, priority }: BaseChain): Stop {
  const isEarly = (hook === 'PREROUTING' || hook === 'OUTPUT') && priority < CONNTRACK_PRIORITY;
  const kind = type === 'nat' ? 'nat' : isEarly ? 'raw' : priority > MANGLE_PRIORITY ? 'filter' : 'other';
  return { table, chain, hook, kind };
}

/** Base chains of some hooks, in the kernel's order. */
export function stopsOfHooks(hooks: readonly Hook[], baseChains: readonly BaseChain[] | undefined): readonly Stop[] {
  if (!baseChains) {
    const stops = hooks.flatMap((hook) =>
      hook === 'PREROUTING' ? PREROUTING : PATHS[hook].filter((text) => text.endsWith(hook)),
    );
    return stops.map(stopOf);
  }
  return hooks.flatMap((hook) =>
    baseChains
      .filter((base) => base.hook === hook)
      .toSorted((a, b) => a.priority - b.priority)
      .map(stopOfBase),
  );
}

/** Hooks a packet runs through when it is filtered at this one. */
export const HOOKS_TO: Readonly<Record<Hook, readonly Hook[]>> = {
  PREROUTING: ['PREROUTING'],
  INPUT: ['PREROUTING', 'INPUT'],
  FORWARD: ['PREROUTING', 'FORWARD', 'POSTROUTING'],
  OUTPUT: ['OUTPUT', 'POSTROUTING'],
  POSTROUTING: ['POSTROUTING'],
};

/** It came in by an interface, and nothing says where it goes. */
export function isUnrouted({ hook, inInterface, outInterface }: WalkPacket): boolean {
  return hook === undefined && typeof inInterface === 'string' && outInterface === undefined;
}
