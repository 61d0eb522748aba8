import type { DropRow } from '@whydrop/storage';
import { endOf, evidenceOf } from '../explanation/explanation.view.js';
import { globalId } from '../page/global-id.js';
import type { Drop } from './drop.type.js';

/** A row as the API shows it. */
export function dropOf(row: DropRow): Drop {
  const { detail, id, ...rest } = row;
  const { original } = detail;
  return {
    ...rest,
    __typename: 'Drop',
    id: globalId('Drop', id),
    key: id,
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
    evidence: detail.evidence.map(evidenceOf),
  };
}
