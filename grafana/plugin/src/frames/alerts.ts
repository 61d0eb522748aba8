import { FieldType, type DataFrame, type Field } from '@grafana/data';
import type { Alert, AlertsAnswer } from '../query/answers';
import type { CompleteQuery } from '../query/defaults';
import { pathLink, type PageUrl } from './links';
import { plain } from './words';

function tagsOf({ severity, state, cluster, kind, cause }: Alert): string[] {
  return [severity, state, kind, ...(cause === null ? [] : [cause])].map((code) => code.toLowerCase()).concat(cluster);
}

/** Alerts as annotations want them (`time`, `timeEnd`, `title`, `text`, `tags`), and with what a table shows besides. */
export function alertsFrame({ alerts }: AlertsAnswer, query: CompleteQuery, page: PageUrl): DataFrame {
  const { nodes } = alerts;
  const of = <T>(value: (alert: Alert) => T): T[] => nodes.map(value);
  const strings = (name: string, value: (alert: Alert) => string, config: Field['config'] = {}): Field => {
    return { name, type: FieldType.string, values: of(value), config };
  };
  const starts = of(({ startsAt }) => Date.parse(startsAt));
  const ends = of(({ endsAt }) => (endsAt === null ? null : Date.parse(endsAt)));
  const fields: Field[] = [
    { name: 'time', type: FieldType.time, values: starts, config: { displayName: 'Since' } },
    { name: 'timeEnd', type: FieldType.time, values: ends, config: { displayName: 'Until' } },
    strings('title', ({ rule }) => rule, { displayName: 'Rule' }),
    strings('text', ({ summary, sentence }) => [summary, ...(sentence === null ? [] : [sentence])].join('\n')),
    { name: 'tags', type: FieldType.other, values: of(tagsOf), config: {} },
    strings('severity', ({ severity }) => plain(severity)),
    strings('state', ({ state }) => plain(state)),
    strings('policies', ({ policies }) => policies.join(', ')),
    { name: 'value', type: FieldType.number, values: of(({ value }) => value), config: {} },
    { name: 'expected', type: FieldType.number, values: of(({ expected }) => expected), config: {} },
    strings('path', ({ path }) => path, { links: pathLink(page) }),
    strings('id', ({ id }) => id),
  ];
  return {
    refId: query.refId,
    name: 'Alerts',
    meta: { preferredVisualisationType: 'table' },
    fields,
    length: nodes.length,
  };
}
