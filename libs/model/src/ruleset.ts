import type { Family } from './ip.js';
import type { Hook } from './packet.js';
import type { Instant } from './time.js';

/** Absolute value of a rule or chain-policy counter at the time of the snapshot. */
export interface Counter {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Where a chain of a native nftables table is asked; a chain of iptables has its place by its name. */
export interface ChainHook {
  readonly hook: Hook;
  readonly type: 'filter' | 'nat' | 'route';
  /** Lower ones go first. */
  readonly priority: number;
}

/** One rule of a chain, as iptables-save prints it. */
export interface ChainRule {
  /** 1-based place in the chain at that time. Not an identity: inserts shift it. */
  readonly position: number;
  /** From `-A` on, without counters. */
  readonly text: string;
  /** `-j`/`-g` argument: a verdict, an extension target, or a chain; absent for a counting rule. */
  readonly target: string | undefined;
  readonly isGoto: boolean;
  /** Texts of `-m comment`, in order, unquoted. */
  readonly comments: readonly string[];
  readonly counter: Counter | undefined;
}

export interface Chain {
  readonly name: string;
  /** Policy of a base chain; absent for a user chain. Drops by policy are counted only here. */
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly counter: Counter | undefined;
  readonly rules: readonly ChainRule[];
  /** Of base chains of nftables only. */
  readonly base?: ChainHook;
}

export interface Table {
  readonly name: string;
  readonly chains: readonly Chain[];
  /** Named sets of a native nftables table, in the words of ipset. */
  readonly sets?: readonly Ipset[];
}

/** `nft` and `legacy`: iptables on top of either. `nftables`: native tables, which `nft` lists and iptables-save does not. */
export type RulesetBackend = 'nft' | 'legacy' | 'nftables';

/** Everything one `iptables-save -c` of one family and backend said, or the native tables of one `nft -j list ruleset`. */
export interface RulesetSnapshot {
  readonly kind: 'ruleset';
  readonly observedAt: Instant;
  readonly family: Family;
  readonly backend: RulesetBackend;
  /** The other backend holds rules too, which this snapshot does not show. */
  readonly otherBackendPresent: boolean;
  readonly tables: readonly Table[];
}

export interface IpsetMember {
  /** As ipset prints it: `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1,tcp:80`, a set name in a list:set. */
  readonly element: string;
  readonly nomatch: boolean;
  readonly comment: string | undefined;
  readonly timeout: number | undefined;
}

export interface Ipset {
  readonly name: string;
  /** `hash:ip`, `hash:net`, `hash:ip,port`, `list:set`, … */
  readonly type: string;
  readonly family: Family | undefined;
  readonly members: readonly IpsetMember[];
}

/** Everything one `ipset save` said. */
export interface IpsetSnapshot {
  readonly kind: 'ipsets';
  readonly observedAt: Instant;
  readonly sets: readonly Ipset[];
}

/** One interface address of a node (`ip -j addr`). */
export interface InterfaceSnapshot {
  readonly kind: 'interfaces';
  /** Absent: valid throughout the capture. */
  readonly observedAt: Instant | undefined;
  readonly interfaces: readonly {
    readonly name: string;
    readonly kind: string | undefined;
    readonly addresses: readonly string[];
  }[];
}

/** One `nft -j list ruleset` as it was printed: what its tables mean for a family is the business of libs/ruleset. */
export interface NftListing {
  readonly kind: 'nft-listing';
  readonly observedAt: Instant;
  /** Members of the list `nftables`. */
  readonly objects: readonly unknown[];
}
