import type { PolicyDirection, PolicyRef } from '@whydrop/model';
import { resolved, type CalicoIndex } from './calico-index.js';
import { nflogPrefix, policyOfId, policyOfV1Name } from './calico-names.js';
import type { KnownPolicy } from './known-policy.js';
import { authorRule, isExpanded } from './calico-rules.js';
import { parseNflogPrefix, type NflogPrefix } from './nflog-prefix.js';

/** What a log prefix says about a packet. */
export type PrefixMeaning =
  | {
      readonly kind: 'policy';
      readonly verdict: NflogPrefix['verdict'];
      readonly direction: PolicyDirection;
      readonly policy: PolicyRef;
      /** Index in the author's list of that direction; undefined when Calico's index cannot be translated. */
      readonly policyRule: number | undefined;
      /** Index in Calico's list, as the prefix has it. */
      readonly calicoRule: number;
    }
  | {
      readonly kind: 'profile';
      readonly verdict: NflogPrefix['verdict'];
      readonly direction: PolicyDirection;
      readonly profile: string;
      readonly calicoRule: number;
    }
  | {
      readonly kind: 'end-of-tier';
      readonly verdict: NflogPrefix['verdict'];
      readonly direction: PolicyDirection;
      readonly tier: string;
    }
  | { readonly kind: 'no-profile'; readonly verdict: 'deny'; readonly direction: PolicyDirection };

/** Length of a shortened prefix: it is a fold of a longer text around its hash. */
const SHORTENED = 63;

function unfolded(prefix: string, parsed: NflogPrefix, ids: Iterable<string>): string | undefined {
  const head = prefix.slice(0, prefix.length - parsed.id.length);
  for (const id of ids) if (nflogPrefix(head + id) === prefix) return id;
  return undefined;
}

function policyOf(index: CalicoIndex, prefix: string, parsed: NflogPrefix): PolicyRef | undefined {
  const isFolded = prefix.length === SHORTENED;
  const id = isFolded ? unfolded(prefix, parsed, index.byId.keys()) : parsed.id;
  if (id === undefined) return undefined;
  const known = index.byId.get(id);
  if (known) return known;
  const ref = policyOfId(id) ?? policyOfV1Name(id);
  return ref && resolved(index, ref);
}

function knownOf(index: CalicoIndex, ref: PolicyRef): KnownPolicy | undefined {
  return index.known.find((known) => known.ref === ref);
}

function policyMeaning(
  index: CalicoIndex,
  prefix: string,
  parsed: NflogPrefix,
  rule: number,
): PrefixMeaning | undefined {
  const policy = policyOf(index, prefix, parsed);
  if (!policy) return undefined;
  const known = knownOf(index, policy);
  const unexpanded = isExpanded(policy.kind) ? undefined : rule;
  const policyRule = known ? authorRule(known, parsed.direction, rule) : unexpanded;
  return {
    kind: 'policy',
    verdict: parsed.verdict,
    direction: parsed.direction,
    policy,
    policyRule,
    calicoRule: rule,
  };
}

/** What a Calico NFLOG prefix says, names resolved against what is known; undefined: not Calico's, or a lost name. */
export function meaningOfPrefix(index: CalicoIndex, prefix: string): PrefixMeaning | undefined {
  const parsed = parseNflogPrefix(prefix);
  if (!parsed) return undefined;
  const { verdict, direction } = parsed;
  if (parsed.owner === 'profile') {
    if (parsed.index === undefined) return { kind: 'no-profile', verdict: 'deny', direction };
    return { kind: 'profile', verdict, direction, profile: parsed.id, calicoRule: parsed.index };
  }
  if (parsed.index !== undefined) return policyMeaning(index, prefix, parsed, parsed.index);
  const tiers = new Set(index.known.flatMap(({ ref }) => (ref.tier === undefined ? [] : [ref.tier])));
  const tier = prefix.length === SHORTENED ? unfolded(prefix, parsed, tiers) : parsed.id;
  return tier === undefined ? undefined : { kind: 'end-of-tier', verdict, direction, tier };
}
