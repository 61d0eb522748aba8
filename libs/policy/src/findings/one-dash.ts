import type { PolicyDirection } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import { compileLabelSelector, selectorText, type LabelSelector } from '../label-selector.js';
import { policyName } from '../sentence.js';
import { fieldsOf, isFields, type Fields } from '../yaml-value.js';
import {
  namespacesMatching,
  podsMatching,
  type DirectedFinding,
  type FindingContext,
  type MistakeCheck,
} from './context.js';

interface PeerItem {
  readonly direction: PolicyDirection;
  readonly path: string;
  readonly pods: LabelSelector | undefined;
  readonly namespaces: LabelSelector | undefined;
}

function selectorOf(fields: Fields, key: string): LabelSelector | undefined {
  return isFields(fields[key]) ? compileLabelSelector(fields[key], key, []) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The lists of peers of a NetworkPolicy, rule by rule. */
function peerLists(policy: CompiledPolicy): readonly (readonly PeerItem[])[] {
  const spec = fieldsOf(policy.object.spec);
  return (['ingress', 'egress'] as const).flatMap((direction) => {
    if (!policy[direction].applies) return [];
    const key = direction === 'ingress' ? 'from' : 'to';
    return list(spec[direction]).map((rule, r) =>
      list(fieldsOf(rule)[key]).map((peer, p) => ({
        direction,
        path: `spec.${direction}[${r}].${key}[${p}]`,
        pods: selectorOf(fieldsOf(peer), 'podSelector'),
        namespaces: selectorOf(fieldsOf(peer), 'namespaceSelector'),
      })),
    );
  });
}

function ownNamespace(policy: CompiledPolicy): string {
  return policy.ref.namespace ?? 'default';
}

/** A namespace item and a pod item behind each other that were meant as one: the pods wanted live in those namespaces. */
function splitPair(
  policy: CompiledPolicy,
  first: PeerItem,
  second: PeerItem,
  context: FindingContext,
): readonly DirectedFinding[] {
  const [spaces, pods] = first.namespaces ? [first, second] : [second, first];
  if (!spaces.namespaces || spaces.pods || !pods.pods || pods.namespaces || pods.pods.requirements.length === 0)
    return [];
  const there = podsMatching(pods.pods, namespacesMatching(spaces.namespaces, context), context);
  if (there.length === 0) return [];
  const sentence =
    `${policyName(policy.ref)} lists a namespaceSelector (${selectorText(spaces.namespaces)}) and a podSelector (${selectorText(pods.pods)}) as two peers, so either is enough: ` +
    `it admits every pod of those namespaces, and pods with these labels in ${ownNamespace(policy)}; to mean both, write them in one item, without the second dash`;
  return [{ code: 'OR_PEERS', direction: second.direction, policy: policy.ref, path: second.path, sentence }];
}

/** Two items of a list of peers where one was meant. */
export const OR_PEERS: MistakeCheck = {
  code: 'OR_PEERS',
  find: (policy, context) => {
    if (policy.family !== 'union') return [];
    return peerLists(policy).flatMap((peers) =>
      peers.slice(1).flatMap((second, i) => {
        const first = peers[i];
        return first ? splitPair(policy, first, second, context) : [];
      }),
    );
  },
};

/** One item with both selectors where two were meant: nothing has both, and something has either. */
export const AND_PEER: MistakeCheck = {
  code: 'AND_PEER',
  find: (policy, context) => {
    if (policy.family !== 'union') return [];
    return peerLists(policy)
      .flat()
      .flatMap((peer): readonly DirectedFinding[] => {
        const { pods, namespaces, path, direction } = peer;
        if (!pods || !namespaces || pods.requirements.length === 0) return [];
        const spaces = namespacesMatching(namespaces, context);
        const own = podsMatching(pods, [ownNamespace(policy)], context);
        if (podsMatching(pods, spaces, context).length > 0 || own.length === 0) return [];
        if (spaces.every((name) => context.podsOf(name).length === 0)) return [];
        const sentence =
          `${policyName(policy.ref)} wants pods with ${selectorText(pods)} in a namespace with ${selectorText(namespaces)} at once, and there is none; ` +
          `such pods are in ${ownNamespace(policy)}: if either is enough, write two items, each with its own dash`;
        return [{ code: 'AND_PEER', direction, policy: policy.ref, path, sentence }];
      });
  },
};
