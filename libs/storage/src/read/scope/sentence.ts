import { CAUSES, type Cause, type PolicyDirection, type Verdict } from '@whydrop/model';
import type { DriftCode } from '@whydrop/ruleset';
import type { DropDetail } from '../drop.read-model.js';
import type { FindingRow } from '../reconciliation.read-model.js';

const WITHHELD = 'withheld';

type SeenFinding = Pick<FindingRow, 'kind' | 'namespace' | 'workload' | 'direction' | 'policies' | 'node'>;

const FOUND: Readonly<Record<DriftCode, string>> = {
  NODE_DENIES: 'policy allows a connection that the node stops',
  NODE_ALLOWS: 'policy denies a connection that the node lets through',
  LAGGING: 'the node still does what policy said before its last change',
  ORPHAN_CHAIN: 'a chain is left of what is gone',
  SET_MEMBER_MISSING: 'a set lacks an address that policy admits',
  SET_MEMBER_EXTRA: 'a set has an address that policy does not admit',
};

/** What a sentence can be made of when one end is withheld. */
export interface SeenDrop {
  readonly verdict: Verdict;
  readonly cause: Cause;
  readonly direction: PolicyDirection | null;
  readonly protocol: string;
  readonly destinationPort: number | null;
  readonly detail: Omit<DropDetail, 'sentence'>;
}

/** The explanation in one breath, without what is of other namespaces. */
export function seenSentence({ verdict, cause, direction, protocol, destinationPort, detail }: SeenDrop): string {
  const { source, destination } = detail;
  const port = destinationPort === null ? '' : `:${destinationPort}`;
  const where = direction === null ? '' : ` on ${direction}`;
  const decided = `${source.label} -> ${destination.label}${port}/${protocol} was ${verdict}${where}`;
  return `${decided}: ${CAUSES[cause]}. What is of other namespaces is withheld.`;
}

/** Where an alert comes from and what it is about, for who may not read its own summary. */
export function seenSummary(rule: string, labels: Readonly<Record<string, string>>): string {
  const known = Object.entries(labels).filter(([, value]) => value !== WITHHELD);
  const of = known.map(([name, value]) => `${name} ${value}`).join(', ');
  return `${rule}: ${of}. What is of other namespaces is withheld.`;
}

/** A finding about an own workload or policy, without the connection that shows it. */
export function seenFinding({ kind, namespace, workload, direction, policies, node }: SeenFinding): string {
  const about = workload === null ? policies.join(', ') : `${namespace ?? ''}/${workload}`;
  const where = direction === null ? '' : ` on ${direction}`;
  return `${about}${where}, node ${node}: ${FOUND[kind]}. What is of other namespaces is withheld.`;
}
