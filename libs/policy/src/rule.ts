import type { FailedCriterion, PolicyDirection, PolicyRef } from '@whydrop/model';
import type { Connection } from './end.js';
import { allOf, anyOf, type Tri } from './tri.js';

/** What a rule wants that a connection lacks, and how far it is from having it. */
export interface Failure extends FailedCriterion {
  readonly edit: number;
}

/** One condition of a rule. The test decides; the rest tells people what it decided on. */
export interface Criterion {
  readonly test: (connection: Connection) => Tri;
  /** What fails; asked only when the test said no. */
  readonly failures: (connection: Connection) => readonly Failure[];
  /** How far the connection is from meeting it, where that is cheaper to say than what fails. */
  readonly cost?: (connection: Connection) => number;
  /** The fact that is not known; asked only when the test could not decide. */
  readonly missing?: (connection: Connection) => string;
}

/** One item of a list of peers or ports: all its criteria hold. */
export interface Alternative {
  readonly path: string;
  readonly criteria: readonly Criterion[];
}

/** A list of peers or ports: any item holds. */
export interface Group {
  readonly about: 'peer' | 'port' | 'other';
  readonly path: string;
  readonly any: readonly Alternative[];
}

/** One rule of a policy, ready to be asked: all groups hold. No group: it matches every connection. */
export interface CompiledRule {
  readonly index: number;
  readonly name: string | undefined;
  /** `ingress[0]` */
  readonly path: string;
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
  readonly groups: readonly Group[];
}

/** What a policy does in one direction to the endpoints it selects. */
export interface CompiledDirection {
  readonly applies: boolean;
  readonly rules: readonly CompiledRule[];
}

export type { PolicyDirection, PolicyRef };

function alternativeMatches(alternative: Alternative, connection: Connection): Tri {
  return allOf(alternative.criteria, (criterion) => criterion.test(connection));
}

/** Whether any alternative of the group holds. */
export function groupMatches(group: Group, connection: Connection): Tri {
  return anyOf(group.any, (alternative) => alternativeMatches(alternative, connection));
}

/** Whether the rule matches the connection; unknown when that hangs on a fact that is not known. */
export function ruleMatches(rule: CompiledRule, connection: Connection): Tri {
  return allOf(rule.groups, (group) => groupMatches(group, connection));
}

/** The facts that keep the rule from being decided. */
export function missingFacts(rule: CompiledRule, connection: Connection): readonly string[] {
  const open = rule.groups.flatMap((group) => group.any.flatMap((alternative) => alternative.criteria));
  const facts = open
    .filter((criterion) => criterion.test(connection) === undefined)
    .map((criterion) => criterion.missing?.(connection) ?? 'a fact that is not known');
  return [...new Set(facts)];
}

interface Nearest {
  readonly path: string;
  /** Worked out when it is asked for: most rules are only compared. */
  readonly failures: () => readonly Failure[];
  readonly distance: number;
}

/** What one failure more counts, whatever it is. */
const ONE = 1000;

/** Cost of a failure by its edit distance. */
export function failureCost(edit: number): number {
  return ONE + Math.min(edit, ONE - 1);
}

function costOf(criterion: Criterion, connection: Connection): number {
  return criterion.cost?.(connection) ?? distanceOf(criterion.failures(connection));
}

function distanceOf(failures: readonly Failure[]): number {
  return failures.reduce((sum, failure) => sum + failureCost(failure.edit), 0);
}

/** A rule that misses more than this is not looked at closely: one that is nearer is known already. */
type Bound = number;

/** The criteria that fail; undefined where there are too many of them for the bound. */
function failing(alternative: Alternative, connection: Connection, bound: Bound): readonly Criterion[] | undefined {
  const failed: Criterion[] = [];
  for (const criterion of alternative.criteria) {
    if (criterion.test(connection) !== false) continue;
    failed.push(criterion);
    if (failed.length * ONE > bound) return undefined;
  }
  return failed;
}

function nearestAlternative(group: Group, connection: Connection, bound: Bound): Nearest | undefined {
  if (group.any.length === 0) return emptyList(group);
  let nearest: Nearest | undefined;
  for (const alternative of group.any) {
    const failed = failing(alternative, connection, Math.min(bound, nearest?.distance ?? Infinity));
    if (!failed) continue;
    const distance = failed.reduce((sum, criterion) => sum + costOf(criterion, connection), 0);
    if (nearest && distance >= nearest.distance) continue;
    const failures = (): readonly Failure[] => failed.flatMap((criterion) => criterion.failures(connection));
    nearest = { path: alternative.path, failures, distance };
  }
  return nearest;
}

function emptyList(group: Group): Nearest {
  const field = group.about === 'port' ? 'port' : 'podSelector';
  const wanted = 'nothing: the list is empty';
  const failure: Failure = { field, path: group.path, wanted, got: 'a connection', edit: 999 };
  return { path: group.path, failures: () => [failure], distance: distanceOf([failure]) };
}

/**
 * How near a rule came that did not match: the nearest peer and port, and every criterion of them that failed.
 * Undefined where it is farther than the bound.
 */
export function nearestMiss(rule: CompiledRule, connection: Connection, bound: Bound = Infinity): Nearest | undefined {
  let distance = 0;
  let path: string | undefined;
  const parts: Nearest[] = [];
  for (const group of rule.groups) {
    const nearest = nearestAlternative(group, connection, bound - distance);
    if (!nearest) return undefined;
    distance += nearest.distance;
    if (distance > bound) return undefined;
    if (group.about !== 'peer') parts.push(nearest);
    else {
      path = nearest.path;
      parts.unshift(nearest);
    }
  }
  return { path: path ?? rule.path, failures: () => parts.flatMap((part) => part.failures()), distance };
}
