import { FieldType, type DataFrame, type DataLink, type Field } from '@grafana/data';
import type { TopAnswer } from '../query/answers';
import type { CompleteQuery } from '../query/defaults';
import type { Dimension } from '../types';
import { searchLink, type PageUrl } from './links';
import { plain } from './words';

const SUMS = ['drops', 'attempts', 'packets', 'counted'] as const;

function linksOf(by: Dimension, page: PageUrl): DataLink[] {
  if (by.endsWith('NAMESPACE')) return searchLink(page, 'namespace');
  if (by === 'CAUSE') return searchLink(page, 'cause');
  return by === 'POLICY' || by.endsWith('WORKLOAD') || by === 'NODE' ? searchLink(page, 'text') : [];
}

/** A table: what blocked, and how much. The first column is named for what is added up by. */
export function topFrame({ top }: TopAnswer, query: CompleteQuery, page: PageUrl): DataFrame {
  const by = query.groupBy[0] ?? 'POLICY';
  const sums = SUMS.map((sum): Field => {
    const values = top.map((row) => row[sum]);
    return { name: plain(sum), type: FieldType.number, values, config: { unit: 'short' } };
  });
  const keys = { name: plain(by), type: FieldType.string, values: top.map(({ key }) => key) };
  return {
    refId: query.refId,
    name: `Blocked by ${plain(by).toLowerCase()}`,
    meta: { preferredVisualisationType: 'table' },
    fields: [{ ...keys, config: { links: linksOf(by, page) } }, ...sums],
    length: top.length,
  };
}
