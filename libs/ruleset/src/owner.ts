import type { Chain, ChainRule, KubernetesObject, RulesetSnapshot } from '@whydrop/model';
import { findChain } from './chain-lookup.js';
import { createCalicoIndex, type PodName } from './owner/calico-index.js';
import { calicoOwner } from './owner/calico.js';
import { meaningOfPrefix, type PrefixMeaning } from './owner/calico-nflog.js';
import { azureOwner, createAzureIndex } from './owner/azure.js';
import { hostOwner } from './owner/host.js';
import { knownPolicy } from './owner/known-policy.js';
import { kubeProxyOwner } from './owner/kube-proxy.js';
import { kubeRouterOwner } from './owner/kube-router.js';
import { createWeaveIndex, weaveOwner } from './owner/weave.js';
import type { OwnerQuery, RuleOwner } from './owner/rule-owner.js';

/** What is known of the cluster at the time of the snapshot: names on a node are hashes of these. */
export interface OwnerContext {
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string | undefined;
    readonly node?: string | undefined;
    readonly ips?: readonly string[];
    readonly serviceAccount?: string;
  }[];
  /** Policy objects of every kind; others are passed over. */
  readonly policies: readonly KubernetesObject[];
  /** Interfaces whose pod is known otherwise (WorkloadEndpoint objects, container runtimes). */
  readonly interfaces?: readonly { readonly name: string; readonly namespace: string; readonly pod: string }[];
}

export interface OwnerIndex {
  /**
   * Who wrote a chain or one rule of it, and for what. Undefined: the snapshot has no such chain and its name tells
   * nothing.
   */
  ownerOf(snapshot: RulesetSnapshot, table: string, chain: string, rule?: ChainRule): RuleOwner | undefined;
  /** The pod behind an interface name: recomputed from the known pods, whatever the prefix. */
  interfaceOwner(name: string): PodName | undefined;
  /** What an NFLOG prefix of Calico says; undefined when it is no such prefix or names something unknown. */
  policyOfPrefix(prefix: string): PrefixMeaning | undefined;
}

const EMPTY: Omit<Chain, 'name'> = { policy: undefined, counter: undefined, rules: [] };

/**
 * Builds the way back from names on a node to pods and policies, over all versions of the plugins at once: nodes
 * disagree during upgrades, and nobody needs to say which version runs.
 */
export function createOwnerIndex(context: OwnerContext): OwnerIndex {
  const known = context.policies.map(knownPolicy).filter((policy) => policy !== undefined);
  const calico = createCalicoIndex(context.pods, known);
  const weave = createWeaveIndex(known);
  const azure = createAzureIndex(known);
  const named = new Map(context.interfaces?.map(({ name, namespace, pod }) => [name, { namespace, pod }]));
  const interfaceOwner = (name: string): PodName | undefined =>
    named.get(name) ?? calico.pods.get(/^[a-z]+([0-9a-f]{11})$/.exec(name)?.[1] ?? '');
  return {
    interfaceOwner,
    policyOfPrefix: (prefix) => meaningOfPrefix(calico, prefix),
    ownerOf(snapshot, table, name, rule) {
      const chain = findChain(snapshot, table, name);
      const query: OwnerQuery = { snapshot, table, chain: chain ?? { name, ...EMPTY }, rule };
      const owner =
        calicoOwner(calico, interfaceOwner, query) ??
        kubeRouterOwner(known, query) ??
        weaveOwner(weave, known, query) ??
        azureOwner(azure, known, query) ??
        kubeProxyOwner(query);
      return owner ?? (chain ? hostOwner(query) : undefined);
    },
  };
}
