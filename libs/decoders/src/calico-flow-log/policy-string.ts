import type { NamedPolicy } from '@whydrop/model';
import { namedPolicy } from '../verdict.js';

/** Index of a hit that is the default action of a tier; the policy named with it only made the tier apply. */
const END_OF_TIER = -1;
const UNKNOWN_RULE = -2;
const PROFILE_TIER = '__PROFILE__';

/** Kinds of the spelling since 3.32: `knp:namespace/name`. */
const SHORT_KINDS: Readonly<Record<string, string>> = {
  gnp: 'GlobalNetworkPolicy',
  np: 'CalicoNetworkPolicy',
  knp: 'NetworkPolicy',
  snp: 'StagedNetworkPolicy',
  sgnp: 'StagedGlobalNetworkPolicy',
  sknp: 'StagedKubernetesNetworkPolicy',
  kcnp: 'ClusterNetworkPolicy',
  kanp: 'AdminNetworkPolicy',
  kbanp: 'BaselineAdminNetworkPolicy',
  pro: 'Profile',
};

interface Named {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

function after(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) && text.length > prefix.length ? text.slice(prefix.length) : undefined;
}

/** `knp:namespace/name`, `gnp:name`, `eot:__NO_MATCH__`. */
function shortName(text: string): Named | undefined {
  const colon = text.indexOf(':');
  const kind = SHORT_KINDS[text.slice(0, colon)];
  const rest = text.slice(colon + 1);
  if (colon < 0 || kind === undefined || rest === '') return undefined;
  const slash = rest.indexOf('/');
  if (slash < 0) return { kind, namespace: null, name: rest };
  return slash > 0 && slash < rest.length - 1
    ? { kind, namespace: rest.slice(0, slash), name: rest.slice(slash + 1) }
    : undefined;
}

/** The spelling until 3.31, in a namespace: `tier.name`, `tier.staged:name`, `knp.default.name`, `staged:knp.default.name`. */
function namespacedName(namespace: string, text: string, tier: string): Named | undefined {
  const staged = after(text, 'staged:knp.default.');
  if (staged !== undefined) return { kind: 'StagedKubernetesNetworkPolicy', namespace, name: staged };
  const kubernetes = after(text, 'knp.default.');
  if (kubernetes !== undefined) return { kind: 'NetworkPolicy', namespace, name: kubernetes };
  if (text.startsWith('knp.')) return undefined;
  const stagedCalico = after(text, `${tier}.staged:`);
  if (stagedCalico !== undefined) return { kind: 'StagedNetworkPolicy', namespace, name: stagedCalico };
  const calico = after(text, `${tier}.`);
  return calico === undefined ? undefined : { kind: 'CalicoNetworkPolicy', namespace, name: calico };
}

/** The spelling until 3.31, without a namespace. */
function globalName(text: string, tier: string): Named | undefined {
  const admin = after(text, 'kanp.adminnetworkpolicy.');
  if (admin !== undefined) return { kind: 'AdminNetworkPolicy', namespace: null, name: admin };
  const baseline = after(text, 'kbanp.baselineadminnetworkpolicy.');
  if (baseline !== undefined) return { kind: 'BaselineAdminNetworkPolicy', namespace: null, name: baseline };
  const profile = tier === PROFILE_TIER ? after(text, `${PROFILE_TIER}.`) : undefined;
  if (profile !== undefined) return { kind: 'Profile', namespace: null, name: profile };
  const staged = after(text, `${tier}.staged:`);
  if (staged !== undefined) return { kind: 'StagedGlobalNetworkPolicy', namespace: null, name: staged };
  const name = after(text, `${tier}.`);
  return name === undefined ? undefined : { kind: 'GlobalNetworkPolicy', namespace: null, name };
}

function nameOf(text: string, tier: string): Named | undefined {
  const short = shortName(text);
  if (short) return short;
  const slash = text.indexOf('/');
  return slash < 0
    ? globalName(text, tier)
    : slash === 0
      ? undefined
      : namespacedName(text.slice(0, slash), text.slice(slash + 1), tier);
}

function actionOf(text: string): NamedPolicy['action'] {
  return text === 'allow' || text === 'deny' || text === 'pass' ? text : undefined;
}

/** What the policy did: its kind says whether it is staged, the index whether a rule acted. */
export function partOf(kind: string | undefined, rule: number): NamedPolicy['part'] {
  if (kind?.startsWith('Staged')) return 'staged';
  return rule === END_OF_TIER ? 'default' : 'rule';
}

/** A hit of no policy: nothing matched in the tier, and nothing is named. */
function isNoMatch(text: string): boolean {
  return text === 'eot:__NO_MATCH__' || text.endsWith('__NO_MATCH__');
}

/**
 * Reads one policy hit of a flow log: `0|tier|namespace/tier.name|deny|2`. A hit with index -1 is the default action of
 * the tier; the policy it names is the one that made the tier apply, no rule of it matched. `null` when the hit names
 * no policy, undefined when it is none.
 *
 * Format: projectcalico/calico `goldmane/proto/methods.go`, `felix/calc/policy_lookup_cache.go`.
 */
export function policyOfString(text: string): NamedPolicy | null | undefined {
  const parts = text.split('|', 6);
  const [order = '', tier = '', written = '', verb = '', index = ''] = parts;
  const action = actionOf(verb);
  if (parts.length !== 5 || !/^\d{1,9}$/.test(order) || tier === '' || action === undefined) return undefined;
  if (!/^-?\d{1,9}$/.test(index)) return undefined;
  if (isNoMatch(written)) return null;
  const named = nameOf(written, tier);
  if (!named) return undefined;
  const rule = Number(index);
  return namedPolicy({
    ...named,
    tier: tier === PROFILE_TIER ? undefined : tier,
    action,
    rule: rule === END_OF_TIER || rule === UNKNOWN_RULE ? undefined : rule,
    part: partOf(named.kind, rule),
  });
}
