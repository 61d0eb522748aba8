import type { PolicyDirection } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import { editDistance } from '../edit-distance.js';
import {
  compileLabelSelector,
  meets,
  requirementText,
  selectorMatches,
  selectorText,
  type LabelRequirement,
  type LabelSelector,
  type Labels,
} from '../label-selector.js';
import { policyName } from '../sentence.js';
import { parseSelector, type Selector } from '../selector/selector.js';
import { fieldsOf, isFields, scalarText } from '../yaml-value.js';
import {
  namespacesMatching,
  podsMatching,
  type DirectedFinding,
  type FindingContext,
  type MistakeCheck,
} from './context.js';

/** A selector as it stands in a policy, and the labels it could have matched. */
interface Written {
  readonly direction: PolicyDirection | undefined;
  readonly path: string;
  readonly what: string;
  readonly selector: LabelSelector;
  readonly labels: () => readonly Labels[];
}

function isNear(wanted: string, value: string): boolean {
  if (wanted === value) return false;
  return wanted.toLowerCase() === value.toLowerCase() || (wanted.length > 2 && editDistance(wanted, value) === 1);
}

/** A label that differs from the wanted one by its capitals or by one character, in its key or value. */
function nearLabel(requirement: LabelRequirement, labels: Labels): string | undefined {
  const [wanted] = requirement.values;
  if (requirement.operator !== 'In' || wanted === undefined) return undefined;
  const value = labels.get(requirement.key);
  if (value !== undefined && isNear(wanted, value)) return `${requirement.key}=${value}`;
  for (const [key, other] of labels) {
    if (isNear(requirement.key, key) && other === wanted) return `${key}=${other}`;
  }
  return undefined;
}

/** The label that was probably meant: all other requirements hold, and this one nearly does. */
function typo(selector: LabelSelector, candidates: readonly Labels[]): { wanted: string; near: string } | undefined {
  for (const labels of candidates) {
    const failed = selector.requirements.filter((requirement) => !meets(requirement, labels));
    const [one] = failed;
    const near = failed.length === 1 && one ? nearLabel(one, labels) : undefined;
    if (one && near) return { wanted: requirementText(one), near };
  }
  return undefined;
}

function findingOf(policy: CompiledPolicy, written: Written): readonly DirectedFinding[] {
  const { selector, path, what, direction } = written;
  if (selector.requirements.length === 0) return [];
  const labels = written.labels();
  if (labels.some((one) => selectorMatches(selector, one))) return [];
  const close = typo(selector, labels);
  const name = policyName(policy.ref);
  const base = { direction, policy: policy.ref, path };
  if (close) {
    const sentence = `${name} wants ${close.wanted}, which no ${what} has; there is ${close.near}: correct the label on one side`;
    return [{ code: 'LABEL_TYPO', ...base, sentence }];
  }
  const sentence = `${name} wants ${selectorText(selector)}, which no ${what} has now: check the selector, or the labels`;
  return [{ code: 'MATCHES_NOTHING', ...base, sentence }];
}

function selectorAt(value: unknown): LabelSelector | undefined {
  return isFields(value) ? compileLabelSelector(value, '', []) : undefined;
}

function peerSelectors(policy: CompiledPolicy, context: FindingContext): readonly Written[] {
  const spec = fieldsOf(policy.object.spec);
  const own = policy.ref.namespace ?? 'default';
  return (['ingress', 'egress'] as const).flatMap((direction) => {
    const key = direction === 'ingress' ? 'from' : 'to';
    const rules = policy[direction].applies && Array.isArray(spec[direction]) ? spec[direction] : [];
    return rules.flatMap((rule: unknown, r) => {
      const peers: unknown = fieldsOf(rule)[key];
      return (Array.isArray(peers) ? peers : []).flatMap((peer: unknown, p) =>
        peerWritten(fieldsOf(peer), `spec.${direction}[${r}].${key}[${p}]`, direction, own, context),
      );
    });
  });
}

function peerWritten(
  peer: Readonly<Record<string, unknown>>,
  path: string,
  direction: PolicyDirection,
  own: string,
  context: FindingContext,
): readonly Written[] {
  const spaces = selectorAt(peer['namespaceSelector']);
  const pods = selectorAt(peer['podSelector']);
  const names = spaces ? namespacesMatching(spaces, context) : [own];
  const found: Written[] = [];
  if (spaces) {
    const labels = (): readonly Labels[] => context.namespaces().map((name) => context.view.namespace(name).labels);
    found.push({ direction, path: `${path}.namespaceSelector`, what: 'namespace', selector: spaces, labels });
  }
  if (pods && names.length > 0) {
    const labels = (): readonly Labels[] => names.flatMap((name) => context.podsOf(name).map((end) => end.labels));
    const what = spaces ? 'pod of those namespaces' : `pod of namespace ${own}`;
    found.push({ direction, path: `${path}.podSelector`, what, selector: pods, labels });
  }
  return found;
}

function ownSelector(policy: CompiledPolicy, context: FindingContext): readonly Written[] {
  const selector = selectorAt(fieldsOf(policy.object.spec)['podSelector']);
  const namespace = policy.ref.namespace ?? 'default';
  if (!selector) return [];
  const labels = (): readonly Labels[] => context.podsOf(namespace).map((end) => end.labels);
  return [{ direction: undefined, path: 'spec.podSelector', what: `pod of namespace ${namespace}`, selector, labels }];
}

/** Top-level `k == 'v'` conditions of a Calico selector, as requirements. */
function requirementsOf(selector: Selector): readonly LabelRequirement[] {
  const leaves = selector.kind === 'and' ? selector.of : [selector];
  return leaves.flatMap((leaf): readonly LabelRequirement[] =>
    leaf.kind === 'text' && leaf.operator === '=='
      ? [{ key: leaf.label, operator: 'In', values: [leaf.value], path: '' }]
      : [],
  );
}

function calicoFindings(policy: CompiledPolicy, context: FindingContext): readonly DirectedFinding[] {
  const text = scalarText(fieldsOf(policy.object.spec)['selector']) ?? '';
  if (text.trim() === '' || context.selectedBy(policy).length > 0) return [];
  const namespaces = policy.ref.namespace === null ? context.namespaces() : [policy.ref.namespace];
  const pods = podsMatching({ requirements: [] }, namespaces, context);
  const parsed = parseSelector(text.trim());
  const selector = { requirements: parsed.kind === 'error' ? [] : requirementsOf(parsed) };
  // A global policy may be about host endpoints.
  if (policy.ref.namespace === null && context.view.state.others.some(({ kind }) => kind === 'HostEndpoint')) return [];
  const labels = (): readonly Labels[] => pods.map((end) => end.labels);
  return findingOf(policy, { direction: undefined, path: 'spec.selector', what: 'pod', selector, labels });
}

/** A selector that matches nothing now; where a label nearly fits, it is named. */
export const MATCHES_NOTHING: MistakeCheck = {
  code: 'MATCHES_NOTHING',
  find: (policy, context) => {
    if (policy.family === 'ordered') return calicoFindings(policy, context);
    if (policy.family !== 'union' || policy.ref.kind === 'Namespace') return [];
    const written = [...ownSelector(policy, context), ...peerSelectors(policy, context)];
    return written.flatMap((one) => findingOf(policy, one));
  },
};
