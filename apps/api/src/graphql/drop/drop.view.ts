import type { DropRow } from '@whydrop/storage';
import { endOf, evidenceOf } from '../explanation/explanation.view.js';
import { globalId } from '../page/global-id.js';
import type { Drop } from './drop.type.js';

/** A row as the API shows it. */
export function dropOf(row: DropRow): Drop {
  const { detail, id } = row;
  const { original } = detail;
  return {
    __typename: 'Drop',
    id: globalId('Drop', id),
    key: id,
    cluster: row.cluster,
    groupId: row.groupId,
    explanationId: row.explanationId,
    firstSeenAt: row.firstSeenAt,
    lastSeenAt: row.lastSeenAt,
    sourcePort: row.sourcePort,
    destinationPort: row.destinationPort,
    protocol: row.protocol,
    attempts: row.attempts,
    packets: row.packets,
    verdict: row.verdict,
    cause: row.cause,
    direction: row.direction,
    source: endOf(detail.source),
    destination: endOf(detail.destination),
    original: original
      ? {
          destination: original.destination,
          destinationPort: original.destinationPort ?? null,
          service: original.service ?? null,
        }
      : null,
    translatedSource: detail.translatedSource ?? null,
    sentence: detail.sentence,
    get evidence() {
      return detail.evidence.map(evidenceOf);
    },
    withheld: detail.withheld ?? [],
  };
}
