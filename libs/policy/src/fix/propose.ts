import type {
  ClusterState,
  ConnectionEnd,
  ConnectionQuery,
  KubernetesObject,
  PodEndpoint,
  PolicyDirection,
  PolicyFix,
} from '@whydrop/model';
import { stringify } from 'yaml';
import { createPolicyEngine, type PolicyEngine } from '../engine.js';
import { policyName } from '../sentence.js';
import { candidatesFor, type Candidate } from './candidates.js';
import { type LabelChange, labelChanges, labelPointer, relabelled } from './labels.js';
import { patched, pointer } from './patch.js';

/** At most so many pairs of workloads are compared to see what else a change lets through. */
const PAIRS = 20_000;

/** What may be changed: a policy, or a label. */
type Change = Candidate | LabelChange;

function isLabel(change: Change): change is LabelChange {
  return 'key' in change;
}

function changed(state: ClusterState, change: Change): ClusterState {
  if (isLabel(change)) return relabelled(state, change);
  const { object, operation } = change;
  if (!operation) return { ...state, others: [...state.others, object] };
  return {
    ...state,
    others: state.others.map((one: KubernetesObject) => (one === object ? patched(object, operation) : one)),
  };
}

/** One pod of every workload. */
function workloads(state: ClusterState): readonly PodEndpoint[] {
  const one = new Map<string, PodEndpoint>();
  for (const pod of state.pods) {
    const { kind, namespace, name } = pod.workload;
    const key = `${kind} ${namespace}/${name}`;
    if (!one.has(key) && !pod.hostNetwork) one.set(key, pod);
  }
  return [...one.values()];
}

function endOf({ namespace, name }: PodEndpoint): ConnectionEnd {
  return { kind: 'pod', namespace, name };
}

function nameOf({ workload }: PodEndpoint): string {
  return `${workload.namespace}/${workload.name}`;
}

interface Trial {
  readonly candidate: Change;
  readonly engine: PolicyEngine;
  readonly alsoAdmits: PolicyFix['alsoAdmits'];
}

/** Whether a change can bear on connections of a pod at the judged end, or at either end. */
function bearsOn(change: Change, source: PodEndpoint, destination: PodEndpoint, side: PolicyDirection): boolean {
  if (isLabel(change)) {
    const has = ({ namespace, workload }: PodEndpoint): boolean =>
      namespace === change.namespace && (change.on === 'namespace' || workload.name === change.name);
    return has(source) || has(destination);
  }
  // A policy of a namespace judges its own pods only, and its change is one of this direction's rules.
  const { namespace } = change.policy;
  return namespace === null || (side === 'ingress' ? destination : source).namespace === namespace;
}

function newlyAdmitted(
  state: ClusterState,
  change: Change,
  side: PolicyDirection,
  before: PolicyEngine,
  after: PolicyEngine,
  query: ConnectionQuery,
): PolicyFix['alsoAdmits'] {
  const pods = workloads(state);
  const { protocol, port } = query;
  const shown = port === undefined ? protocol : `${port}/${protocol}`;
  const found: { source: string; destination: string; port: string }[] = [];
  let pairs = 0;
  for (const source of pods) {
    for (const destination of pods) {
      if (!bearsOn(change, source, destination, side)) continue;
      if (pairs++ > PAIRS) return found;
      const one = { ...query, source: endOf(source), destination: endOf(destination) };
      if (isAsked(query, source, destination) || before.verdict(one) === 'allowed' || after.verdict(one) !== 'allowed')
        continue;
      found.push({ source: nameOf(source), destination: nameOf(destination), port: shown });
    }
  }
  return found;
}

/** Whether a pair of workloads is the one that the change is for. */
function isAsked({ source, destination }: ConnectionQuery, from: PodEndpoint, to: PodEndpoint): boolean {
  const same = (end: ConnectionEnd, pod: PodEndpoint): boolean =>
    end.kind === 'pod' &&
    end.namespace === pod.namespace &&
    (end.name === pod.name || end.name.startsWith(`${pod.workload.name}-`));
  return same(source, from) && same(destination, to);
}

function size(change: Change): number {
  if (isLabel(change)) return change.key.length + change.value.length;
  const { operation, object } = change;
  return JSON.stringify(operation ?? object).length;
}

function patchText(change: Change): string {
  if (isLabel(change)) {
    const { kind, namespace, name, value } = change;
    const owner = kind === 'Namespace' ? name : `${namespace}/${name}`;
    return `# ${kind} ${owner}\n${stringify([{ op: 'add', path: labelPointer(change), value }])}`;
  }
  const { object, operation, policy } = change;
  if (!operation) return stringify(object);
  const body = stringify([{ op: operation.op, path: pointer(operation.path), value: operation.value }]);
  return `# ${object.kind} ${policy.namespace === null ? '' : `${policy.namespace}/`}${policy.name}\n${body}`;
}

function sentenceOf({ candidate, alsoAdmits }: Trial): string {
  const [first] = alsoAdmits;
  const more = first
    ? `it would also newly admit ${alsoAdmits.length} other pair${alsoAdmits.length > 1 ? 's' : ''} of workloads, such as ${first.source} -> ${first.destination}`
    : 'it would newly admit no other pair of known workloads';
  if (!isLabel(candidate)) return `${candidate.what} of ${policyName(candidate.policy)} admits it; ${more}`;
  const { kind, namespace, name, key, value } = candidate;
  const owner = kind === 'Namespace' ? name : `${namespace}/${name}`;
  return `the label ${key}=${value} on ${kind} ${owner} admits it; ${more}`;
}

function better(a: Trial, b: Trial): number {
  return a.alsoAdmits.length - b.alsoAdmits.length || size(a.candidate) - size(b.candidate);
}

/** The best change for the first side that denies; undefined where none was found. */
function step(state: ClusterState, engine: PolicyEngine, query: ConnectionQuery): Trial | undefined {
  const denial = engine.denial(query);
  if (!denial) return undefined;
  const candidates: readonly Change[] = [...labelChanges(denial, state), ...candidatesFor(denial)];
  const trials = candidates.flatMap((candidate): readonly Trial[] => {
    const after = createPolicyEngine(changed(state, candidate));
    const { verdict, [denial.direction]: side } = after.evaluate(query);
    if (verdict !== 'allowed' && side.verdict !== 'allowed') return [];
    return [
      { candidate, engine: after, alsoAdmits: newlyAdmitted(state, candidate, denial.direction, engine, after, query) },
    ];
  });
  return trials.sort(better)[0];
}

/**
 * The smallest changes that admit a denied connection: one where one side denies it, two where both do. Each was tried
 * out. Empty where the connection is not denied, or no change of one policy would admit it.
 */
export function proposeFix(state: ClusterState, query: ConnectionQuery): readonly PolicyFix[] {
  const fixes: PolicyFix[] = [];
  let current = state;
  for (let side = 0; side < 2; side++) {
    const engine = createPolicyEngine(current);
    if (engine.evaluate(query).verdict !== 'denied') return fixes;
    const trial = step(current, engine, query);
    if (!trial) return [];
    const { candidate, alsoAdmits } = trial;
    const policy = isLabel(candidate) ? undefined : candidate.policy;
    fixes.push({ policy, patch: patchText(candidate), sentence: sentenceOf(trial), alsoAdmits });
    current = changed(current, candidate);
  }
  return createPolicyEngine(current).evaluate(query).verdict === 'allowed' ? fixes : [];
}
