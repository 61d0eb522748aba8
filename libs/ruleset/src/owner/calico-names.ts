import { createHash } from 'node:crypto';
import type { PolicyRef } from '@whydrop/model';
import { policyByName } from './known-policy.js';

/** Digits of a digest in base64 with the URL alphabet, without padding. */
function base64url(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('base64url');
}

/**
 * Felix's length-limited id: `prefix + suffix` when it fits into `max` characters, else the prefix, `_` and as much of
 * the SHA-256 of the suffix as fits. An exact fit whose suffix begins with `_` is hashed too.
 * Source: projectcalico/calico `felix/hashutils/id.go`, `libcalico-go/lib/hash/unique_id.go`.
 */
export function limitedId(prefix: string, suffix: string, max = 28): string {
  const length = prefix.length + suffix.length;
  if (length < max || (length === max && !suffix.startsWith('_'))) return prefix + suffix;
  return `${prefix}_${base64url('sha256', suffix).slice(0, max - 1 - prefix.length)}`;
}

/** The eleven hex digits in the interface name of a pod, behind a prefix such as `cali`, `azv`, `eni`, `gke`. */
export function interfaceDigits(namespace: string, pod: string): string {
  return createHash('sha1').update(`${namespace}.${pod}`).digest('hex').slice(0, 11);
}

/** Name of an IP set in the kernel, from what it is made of: `s` and a canonical selector, `svc` and a service, … */
export function ipsetName(type: string, content: string, ipVersion: 4 | 6 = 4): string {
  return `cali${ipVersion}0${type}:${base64url('sha224', `${type}:${content}`)}`.slice(0, 31);
}

/** NFLOG prefix as the kernel shows it: 63 characters and more are folded around a hash of the whole. */
export function nflogPrefix(whole: string): string {
  if (whole.length < 63) return whole;
  return `${whole.slice(0, 10)}${limitedId('', whole, 42)}_${whole.slice(-10)}`;
}

/**
 * Name of a policy group's chain, for the eras up to v3.31: a hash over tier, selector, direction, number of policies
 * and their names. Source: projectcalico/calico `felix/rules/endpoints.go` (PolicyGroup.UniqueID).
 */
export function groupChainName(direction: 'inbound' | 'outbound', lines: readonly string[]): string {
  const digest = base64url('sha3-224', lines.map((line) => `${line}\n`).join(''));
  return `cali-g${direction === 'inbound' ? 'i' : 'o'}-${digest.slice(0, 20)}`;
}

const STAGED: Readonly<Record<string, string>> = {
  StagedNetworkPolicy: 'snp',
  StagedGlobalNetworkPolicy: 'sgnp',
  StagedKubernetesNetworkPolicy: 'sknp',
};

/** Both spellings of a Calico policy's name: as written, and as stored with its tier in front up to v3.31. */
function storedNames(ref: PolicyRef): readonly string[] {
  const tier = ref.tier ?? 'default';
  const names = ref.name.startsWith(`${tier}.`)
    ? [ref.name, ref.name.slice(tier.length + 1)]
    : [`${tier}.${ref.name}`, ref.name];
  return names;
}

/** Spellings of one policy: `names` are complete identities, `oldNames` those of before v3.0, `tiered` go behind `tier/`. */
interface Spellings {
  readonly tiered: readonly string[];
  readonly names: readonly string[];
  readonly tier: string;
}

function spellings(ref: PolicyRef): Spellings {
  const { kind, namespace, name } = ref;
  const tier = ref.tier ?? 'default';
  const stored = storedNames(ref);
  switch (kind) {
    case 'NetworkPolicy':
      return {
        tier: 'default',
        tiered: [`${namespace}/knp.default.${name}`],
        names: [
          `knp/${namespace}/${name}`,
          `knp.default.${namespace}.${name}`,
          `np.projectcalico.org/${namespace}.${name}`,
          `${namespace}.${name}`,
        ],
      };
    case 'CalicoNetworkPolicy':
      return {
        tier,
        tiered: stored.slice(0, 1).map((text) => `${namespace}/${text}`),
        names: stored.flatMap((text) => [`np/${namespace}/${text}`, `${namespace}/${text}`]),
      };
    case 'GlobalNetworkPolicy':
      return { tier, tiered: stored.slice(0, 1), names: stored.flatMap((text) => [`gnp/${text}`, text]) };
    case 'AdminNetworkPolicy':
      return { tier, tiered: [`kanp.adminnetworkpolicy.${name}`], names: [] };
    case 'BaselineAdminNetworkPolicy':
      return { tier, tiered: [`kbanp.baselineadminnetworkpolicy.${name}`], names: [] };
    case 'ClusterNetworkPolicy':
      return { tier, tiered: [], names: [`kcnp/${name}`] };
    default: {
      const short = STAGED[kind];
      if (short === undefined) return { tier, tiered: [], names: [] };
      const place = namespace === null ? '' : `${namespace}/`;
      const staged = kind === 'StagedKubernetesNetworkPolicy' ? `knp.default.${name}` : `${stored[0]}`;
      return { tier, tiered: [`${place}staged:${staged}`], names: [`${short}/${place}${name}`] };
    }
  }
}

/** Every identity string (v1 name or ID) under which any version of Calico names this policy, likeliest first. */
export function calicoIds(ref: PolicyRef): readonly string[] {
  const { tiered, names } = spellings(ref);
  return [...new Set([...tiered, ...names])];
}

/** Every suffix that a chain of this policy can have before it is shortened, over all versions. */
export function calicoChainSuffixes(ref: PolicyRef): readonly string[] {
  const { tier, tiered, names } = spellings(ref);
  const withTier = tiered.flatMap((name) => [`${tier}/${name}`, `/${name}`]);
  return [...new Set([...tiered, ...names, ...withTier])];
}

const SHORT_KINDS: Readonly<Record<string, string>> = {
  np: 'CalicoNetworkPolicy',
  gnp: 'GlobalNetworkPolicy',
  knp: 'NetworkPolicy',
  kcnp: 'ClusterNetworkPolicy',
  snp: 'StagedNetworkPolicy',
  sgnp: 'StagedGlobalNetworkPolicy',
  sknp: 'StagedKubernetesNetworkPolicy',
};

const LONG_KINDS: Readonly<Record<string, string>> = {
  NetworkPolicy: 'CalicoNetworkPolicy',
  GlobalNetworkPolicy: 'GlobalNetworkPolicy',
  KubernetesNetworkPolicy: 'NetworkPolicy',
  KubernetesClusterNetworkPolicy: 'ClusterNetworkPolicy',
};

function refOf(kind: string, namespace: string | undefined, name: string): PolicyRef {
  return policyByName(kind, namespace ?? null, name);
}

/** `default.web` is what a user called `web`; in any other tier the tier is part of the name. */
function storedRef(kind: string, namespace: string | undefined, stored: string): PolicyRef {
  const dot = stored.indexOf('.');
  const tier = dot > 0 ? stored.slice(0, dot) : 'default';
  const name = tier === 'default' && dot > 0 ? stored.slice(dot + 1) : stored;
  return policyByName(kind, namespace ?? null, name, tier);
}

/**
 * Reads a v1 name (`prod/knp.default.web`, `prod/security.lock-db`, `security.block-tor`): what eras up to v3.31 put
 * into comments and log prefixes. The form `<namespace>.<name>` of before v3.0 is only recognised with its markers.
 */
export function policyOfV1Name(v1: string): PolicyRef | undefined {
  const oldest = /^(?:np\.projectcalico\.org\/|knp\.default\.)([^./]+)\.(.+)$/.exec(v1);
  if (oldest) return refOf('NetworkPolicy', oldest[1], oldest[2] ?? '');
  const [, namespace, name = ''] = /^(?:([^/]+)\/)?([^/]+)$/.exec(v1) ?? [];
  if (name === '') return undefined;
  if (name.startsWith('knp.default.') && namespace) return refOf('NetworkPolicy', namespace, name.slice(12));
  const admin = /^(kanp|kbanp)\.(\w+)\.(.+)$/.exec(name);
  if (admin) {
    const kind = admin[1] === 'kanp' ? 'AdminNetworkPolicy' : 'BaselineAdminNetworkPolicy';
    return policyByName(kind, null, admin[3] ?? '', admin[2]);
  }
  if (!name.includes('.') && !namespace) return undefined;
  return storedRef(namespace ? 'CalicoNetworkPolicy' : 'GlobalNetworkPolicy', namespace, name);
}

/** Reads an ID of v3.32 and later: `knp/prod/web`, `gnp/block-tor`. */
export function policyOfId(id: string): PolicyRef | undefined {
  const [, short = '', namespace, name = ''] = /^([a-z]+)\/(?:([^/]+)\/)?([^/]+)$/.exec(id) ?? [];
  const kind = SHORT_KINDS[short];
  if (kind === undefined) return undefined;
  const isGlobal = short === 'gnp' || short === 'sgnp' || short === 'kcnp';
  return isGlobal === (namespace === undefined) ? refOf(kind, namespace, name) : undefined;
}

/** Reads the comment on the first rule of a policy chain: `Policy prod/knp.default.web ingress` and its successors. */
export function policyOfComment(comment: string): PolicyRef | undefined {
  const [, word = '', name = ''] = /^(\w+) (\S+) (?:ingress|egress)$/.exec(comment) ?? [];
  if (word === 'Policy') return policyOfV1Name(name);
  if (word === 'Profile') return refOf('Profile', undefined, name);
  const kind = LONG_KINDS[word];
  if (kind === undefined) return undefined;
  const slash = name.indexOf('/');
  return slash < 0 ? refOf(kind, undefined, name) : refOf(kind, name.slice(0, slash), name.slice(slash + 1));
}

/**
 * Reads the suffix of a policy chain that was not hashed. `default/default.web` is a NetworkPolicy of namespace default
 * up to v3.28 and a GlobalNetworkPolicy after it: both are returned, the NetworkPolicy first. `default.web-deny-all` of
 * before v3.0 is namespace and name.
 */
export function policiesOfSuffix(suffix: string): readonly PolicyRef[] {
  const parts = suffix.split('/');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 3 && (third.startsWith(`${first}.`) || third.startsWith('knp.default.'))) {
    return [policyOfV1Name(`${second}/${third}`)].filter((ref) => ref !== undefined);
  }
  const byId = policyOfId(suffix);
  if (byId) return [byId];
  if (parts.length === 2) {
    const asNamespace = policyOfV1Name(suffix);
    const asTier = second.startsWith(`${first}.`) || /^kb?anp\./.test(second) ? policyOfV1Name(second) : undefined;
    const both = /^kb?anp\./.test(second) ? [asTier] : [asNamespace, asTier];
    return both.filter((ref) => ref !== undefined);
  }
  const marked = /^knp\.default\.|^kb?anp\./.test(suffix) ? policyOfV1Name(suffix) : undefined;
  if (marked) return [marked];
  const plain = /^([^./]+)\.([^/]+)$/.exec(suffix);
  if (!plain) return [];
  const global = policyOfV1Name(suffix);
  return [refOf('NetworkPolicy', plain[1], plain[2] ?? ''), ...(global ? [global] : [])];
}
