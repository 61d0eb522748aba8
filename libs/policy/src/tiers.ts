import type { KubernetesObject } from '@whydrop/model';
import { groupOf } from './compiled-policy.js';
import { fieldsOf, scalarText } from './yaml-value.js';

/** A tier: policies that are asked together, and what happens when none of them decides. */
export interface TierInfo {
  readonly name: string;
  readonly order: number;
  readonly atEnd: 'deny' | 'pass';
  /** No object declares it and it is not built in. */
  readonly assumed: boolean;
}

/** Built-in tiers of Calico v3.29 and later; the Kubernetes kinds of policy take their place in them. */
const BUILT_IN: readonly TierInfo[] = [
  { name: 'adminnetworkpolicy', order: 1_000, atEnd: 'pass', assumed: false },
  { name: 'kube-admin', order: 1_000, atEnd: 'pass', assumed: false },
  { name: 'default', order: 1_000_000, atEnd: 'deny', assumed: false },
  { name: 'baselineadminnetworkpolicy', order: 10_000_000, atEnd: 'pass', assumed: false },
  { name: 'kube-baseline', order: 10_000_000, atEnd: 'pass', assumed: false },
];

/** Whether the object is of Calico's API, as served or as stored. */
export function isCalico(object: KubernetesObject): boolean {
  const group = groupOf(object);
  return group === 'projectcalico.org' || group === 'crd.projectcalico.org';
}

/** A number that may be written as text or as a fraction; Infinity where there is none. */
export function orderOf(value: unknown): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && !Number.isNaN(number) ? number : Infinity;
}

function tierOf(object: KubernetesObject): TierInfo {
  const spec = fieldsOf(object.spec);
  const { name } = object.metadata;
  const builtIn = BUILT_IN.find((tier) => tier.name === name);
  const action = scalarText(spec['defaultAction'])?.toLowerCase();
  const given = orderOf(spec['order']);
  return {
    name,
    order: given === Infinity ? (builtIn?.order ?? Infinity) : given,
    atEnd: action === undefined ? (builtIn?.atEnd ?? 'deny') : action === 'pass' ? 'pass' : 'deny',
    assumed: false,
  };
}

/** The tiers of a cluster by name: built in, then as its Tier objects say. */
export function tiersOf(objects: readonly KubernetesObject[]): ReadonlyMap<string, TierInfo> {
  const declared = objects.filter((object) => object.kind === 'Tier' && isCalico(object)).map(tierOf);
  return new Map([...BUILT_IN, ...declared].map((tier) => [tier.name, tier]));
}

/** A tier by name; one that nobody declares comes last and denies at its end. */
export function tierNamed(tiers: ReadonlyMap<string, TierInfo>, name: string): TierInfo {
  return tiers.get(name) ?? { name, order: Infinity, atEnd: 'deny', assumed: true };
}

/** Earlier tiers first; equal orders by name. */
export function compareTiers(a: TierInfo, b: TierInfo): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
