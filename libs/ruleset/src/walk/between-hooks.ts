import { parseAddress } from './address.js';
import type { Criterion } from './criterion.js';
import type { Stop } from './path.js';
import { visibleInterface, type WalkState, type World } from './state.js';

/** Whether the nat table is asked: it sees the first packet of a connection only. */
export function runsNat({ ct, notrack, protocol }: WalkState): boolean | undefined {
  if (notrack) return false;
  const asks = ct.map((each) => each === 'NEW' || (each === 'RELATED' && !protocol.startsWith('ICMP')));
  if (asks.every(Boolean)) return true;
  return asks.some(Boolean) ? undefined : false;
}

/** The nat table is asked about the packet that opens a connection, and about what belongs to another one (not ICMP). */
export const IS_NEW: Criterion = {
  text: 'conntrack --ctstate NEW',
  isFact: true,
  missing: 'conntrack state',
  test: ({ ct }) => (ct.includes('NEW') ? (ct.length === 1 ? true : undefined) : false),
  assume: (state, holds) => ({
    ...state,
    ct: state.ct.filter(
      (each) => (each === 'NEW' || (each === 'RELATED' && !state.protocol.startsWith('ICMP'))) === holds,
    ),
  }),
};

/** Whether routing hands the packet to the node itself. */
export const IS_TO_NODE: Criterion = {
  text: 'destination is an address of the node',
  isFact: true,
  missing: 'translated destination',
  test: ({ isRedirected, destination: { address } }, { localAddresses }) => {
    if (isRedirected) return true;
    if (address === undefined || !localAddresses) return undefined;
    return localAddresses.some((text) => parseAddress(text) === address);
  },
};

/** Conntrack looks at a packet between raw and the tables behind it. */
export function enterHook(state: WalkState, { table, chain, hook, kind }: Stop): WalkState {
  const isForwarded = state.hook === 'PREROUTING' && hook === 'FORWARD';
  const ttl = isForwarded && state.ttl !== undefined ? state.ttl - 1 : state.ttl;
  // Within OUTPUT every chain sees the interface that was chosen first, also behind a DNAT there.
  const outInterface = state.hook === 'OUTPUT' && hook !== 'OUTPUT' ? state.packet.outInterface : state.outInterface;
  const next = { ...state, table, baseChain: chain, hook, kind, ttl, outInterface };
  if (kind === 'raw' || state.kind !== 'raw') return next;
  if (state.notrack) return { ...next, ct: ['UNTRACKED'] };
  const tracked = state.ct.filter((each) => each !== 'UNTRACKED');
  return tracked.length > 0 ? { ...next, ct: tracked } : next;
}

/** The node's own packets are routed before the first chain sees them. */
export function firstOutInterface(state: WalkState, world: World): string | null | undefined {
  if (state.outInterface === null || state.hook !== 'OUTPUT') return state.outInterface;
  return visibleInterface(state, 'outInterface', world);
}
