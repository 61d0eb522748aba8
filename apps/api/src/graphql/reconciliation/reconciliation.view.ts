import type { FindingRow } from '@whydrop/storage';
import type { PolicyName } from '../drop-group/drop-group.type.js';
import type { ReconciliationFinding } from './reconciliation.type.js';

function policyOf(text: string): PolicyName {
  const [kind = '', namespace = '', ...name] = text.split('/');
  return { kind, namespace: namespace === '' ? null : namespace, name: name.join('/') };
}

/** A row as the API shows it. */
export function findingOf({ id, policies, witness, ...row }: FindingRow): ReconciliationFinding {
  return {
    ...row,
    key: id,
    policies: policies.map(policyOf),
    witness: witness && {
      protocol: witness.protocol,
      source: witness.source,
      destination: witness.destination,
      destinationPort: witness.destinationPort ?? null,
    },
  };
}
