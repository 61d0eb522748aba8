import type { DropGroupRow } from '@whydrop/storage';
import { changeView } from '../explanation/change.view.js';
import { globalId } from '../page/global-id.js';
import type { DropGroup, PolicyName } from './drop-group.type.js';

function policyOf(text: string): PolicyName {
  const [kind = '', namespace = '', ...name] = text.split('/');
  return { kind, namespace: namespace === '' ? null : namespace, name: name.join('/') };
}

const withheldEnd = 'withheld';

function withheldOf({ sourceKind, destinationKind }: DropGroupRow): readonly string[] {
  const ends = [
    sourceKind === withheldEnd ? ['the source'] : [],
    destinationKind === withheldEnd ? ['the destination'] : [],
  ];
  const withheld = ends.flat();
  return withheld.length === 0 ? [] : [...withheld, 'policies of other namespaces'];
}

/** A row as the API shows it. */
export function dropGroupOf(row: DropGroupRow): DropGroup {
  return {
    __typename: 'DropGroup',
    id: globalId('DropGroup', row.id),
    key: row.id,
    cluster: row.cluster,
    verdict: row.verdict,
    cause: row.cause,
    direction: row.direction,
    basis: row.basis,
    source: { kind: row.sourceKind, namespace: row.sourceNamespace, name: row.sourceName },
    destination: { kind: row.destinationKind, namespace: row.destinationNamespace, name: row.destinationName },
    protocol: row.protocol,
    destinationPort: row.destinationPort,
    node: row.node,
    policies: (row.policies ?? []).map(policyOf),
    firstSeenAt: row.firstSeenAt,
    lastSeenAt: row.lastSeenAt,
    drops: row.drops,
    attempts: row.attempts,
    packets: row.packets,
    changes: (row.changes ?? []).map(changeView),
    explanationId: row.explanationId,
    withheld: withheldOf(row),
  };
}
