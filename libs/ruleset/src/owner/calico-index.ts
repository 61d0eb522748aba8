import type { Chain, PolicyRef } from '@whydrop/model';
import {
  calicoChainSuffixes,
  calicoIds,
  interfaceDigits,
  limitedId,
  policiesOfSuffix,
  policyOfComment,
} from './calico-names.js';
import { policyByName, type KnownPolicy } from './known-policy.js';

export interface PodName {
  readonly namespace: string;
  readonly pod: string;
}

/** Names on a node and what they stand for, for what is known to exist. */
export interface CalicoIndex {
  /** Pods by the eleven hex digits of their interface name. */
  readonly pods: ReadonlyMap<string, PodName>;
  /** Policies and profiles by chain suffix, shortened (for policies) or in full. */
  readonly bySuffix: ReadonlyMap<string, readonly PolicyRef[]>;
  readonly byProfileSuffix: ReadonlyMap<string, readonly PolicyRef[]>;
  /** Policies by identity string: v1 name or ID. */
  readonly byId: ReadonlyMap<string, PolicyRef>;
  readonly known: readonly KnownPolicy[];
}

function add(map: Map<string, PolicyRef[]>, key: string, ref: PolicyRef): void {
  const refs = map.get(key);
  if (!refs) map.set(key, [ref]);
  else if (!refs.includes(ref)) refs.push(ref);
}

/** A suffix as it stands on iptables (28 characters with its prefix) and on nftables (practically never shortened). */
function written(prefix: string, suffix: string): readonly string[] {
  return [suffix, limitedId(prefix, suffix).slice(prefix.length)];
}

function profileNames(
  pods: readonly { readonly namespace: string; readonly serviceAccount?: string }[],
): readonly string[] {
  const names = pods.flatMap(({ namespace, serviceAccount = 'default' }) => [
    `kns.${namespace}`,
    `k8s_ns.${namespace}`,
    `ns.projectcalico.org/${namespace}`,
    `ksa.${namespace}.${serviceAccount}`,
    `ksa.${namespace}.default`,
  ]);
  return [...new Set(names)];
}

/** Computes every name that the known pods and policies can have on a node, over all versions of Calico. */
export function createCalicoIndex(
  pods: readonly { readonly namespace: string; readonly name: string; readonly serviceAccount?: string }[],
  known: readonly KnownPolicy[],
): CalicoIndex {
  const bySuffix = new Map<string, PolicyRef[]>();
  const byId = new Map<string, PolicyRef>();
  for (const { ref } of known) {
    for (const id of calicoIds(ref)) if (!byId.has(id)) byId.set(id, ref);
    for (const suffix of calicoChainSuffixes(ref)) {
      for (const text of written('cali-pi-', suffix)) add(bySuffix, text, ref);
    }
  }
  const byProfileSuffix = new Map<string, PolicyRef[]>();
  for (const name of profileNames(pods)) {
    const ref = policyByName('Profile', null, name);
    for (const text of written('cali-pri-', name)) add(byProfileSuffix, text, ref);
  }
  const byDigits = pods.map(
    ({ namespace, name }) => [interfaceDigits(namespace, name), { namespace, pod: name }] as const,
  );
  return { pods: new Map(byDigits), bySuffix, byProfileSuffix, byId, known };
}

/** The known object behind a name, when there is one: it carries uid and version. */
export function resolved(index: CalicoIndex, ref: PolicyRef): PolicyRef {
  for (const id of calicoIds(ref)) {
    const found = index.byId.get(id);
    if (found?.kind === ref.kind) return found;
  }
  return ref;
}

function sameName(a: PolicyRef, b: PolicyRef): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

function named(chain: Chain): PolicyRef | undefined {
  for (const comment of chain.rules[0]?.comments ?? []) {
    const ref = policyOfComment(comment);
    if (ref) return ref;
  }
  return undefined;
}

/**
 * The policies a `cali-pi-`/`cali-po-` chain can belong to: what its first comment says (v3.22 and later), else the
 * known policies whose name gives this suffix, else what the suffix says in plain text. Empty: a hash of something
 * unknown. More than one: their names coincide.
 */
export function policiesOfChain(index: CalicoIndex, chain: Chain, suffix: string): readonly PolicyRef[] {
  const byComment = named(chain);
  const candidates = index.bySuffix.get(suffix) ?? [];
  if (byComment) {
    const match = candidates.find((ref) => sameName(ref, byComment));
    return [match ?? resolved(index, byComment)];
  }
  if (candidates.length > 0) return candidates;
  return policiesOfSuffix(suffix).slice(0, 1);
}

/** The same for `cali-pri-`/`cali-pro-` chains. */
export function profilesOfChain(index: CalicoIndex, chain: Chain, suffix: string): readonly PolicyRef[] {
  const byComment = named(chain);
  if (byComment) return [byComment];
  const known = index.byProfileSuffix.get(suffix);
  if (known) return known;
  return suffix.startsWith('_') && suffix.length === 19 ? [] : [policyByName('Profile', null, suffix)];
}
