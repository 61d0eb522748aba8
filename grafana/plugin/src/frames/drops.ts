import { DataFrameType, FieldType, type DataFrame, type Field } from '@grafana/data';
import type { Drop, DropsAnswer, End } from '../query/answers';
import type { CompleteQuery } from '../query/defaults';
import { explanationLink, type PageUrl } from './links';
import { plain } from './words';

/** Levels of Grafana's logs, by what became of the connection. */
const SEVERITY: Readonly<Record<string, string>> = { DROPPED: 'error', REJECTED: 'warning', FAILED: 'warning' };

function strings(name: string, values: readonly (string | null)[], config: Field['config'] = {}): Field {
  return { name, type: FieldType.string, values: [...values], config };
}

function times(name: string, values: readonly string[]): Field {
  return { name, type: FieldType.time, values: values.map((text) => Date.parse(text)), config: {} };
}

function numbers(name: string, values: readonly (number | null)[]): Field {
  return { name, type: FieldType.number, values: [...values], config: {} };
}

/** What a line of the log can be filtered by; what is not known is left out. */
function labelsOf(drop: Drop): Record<string, string> {
  const end = (name: string, { pod, ip, node }: End) => ({
    [`${name}_namespace`]: pod?.namespace,
    [`${name}_pod`]: pod?.name,
    [`${name}_ip`]: ip,
    [`${name}_node`]: node,
  });
  const { cluster, cause, verdict, basis, direction, protocol, destinationPort } = drop;
  const known = {
    ...{ cluster, cause, verdict, basis, direction, protocol },
    port: destinationPort?.toString(),
    ...end('source', drop.source),
    ...end('destination', drop.destination),
  };
  return Object.fromEntries(Object.entries(known).flatMap(([name, value]) => (value == null ? [] : [[name, value]])));
}

function logFrame(drops: readonly Drop[], query: CompleteQuery, page: PageUrl): DataFrame {
  return {
    refId: query.refId,
    name: 'Blocked connections',
    meta: { type: DataFrameType.LogLines, typeVersion: [0, 0], preferredVisualisationType: 'logs' },
    fields: [
      times(
        'timestamp',
        drops.map((drop) => drop.firstSeenAt),
      ),
      strings(
        'body',
        drops.map((drop) => drop.sentence),
      ),
      strings(
        'severity',
        drops.map((drop) => SEVERITY[drop.verdict] ?? 'unknown'),
      ),
      strings(
        'id',
        drops.map((drop) => drop.id),
        { links: explanationLink(page) },
      ),
      { name: 'labels', type: FieldType.other, values: drops.map(labelsOf), config: {} },
    ],
    length: drops.length,
  };
}

function tableFrame(drops: readonly Drop[], query: CompleteQuery, page: PageUrl): DataFrame {
  const of = <T>(value: (drop: Drop) => T): T[] => drops.map(value);
  const fields = [
    times(
      'First seen',
      of((drop) => drop.firstSeenAt),
    ),
    times(
      'Last seen',
      of((drop) => drop.lastSeenAt),
    ),
    strings(
      'Source',
      of((drop) => drop.source.label),
    ),
    strings(
      'Destination',
      of((drop) => drop.destination.label),
    ),
    numbers(
      'Port',
      of((drop) => drop.destinationPort),
    ),
    strings(
      'Protocol',
      of((drop) => drop.protocol),
    ),
    strings(
      'Direction',
      of((drop) => drop.direction && plain(drop.direction)),
    ),
    strings(
      'Verdict',
      of((drop) => plain(drop.verdict)),
    ),
    strings(
      'Cause',
      of((drop) => plain(drop.cause)),
    ),
    strings(
      'Basis',
      of((drop) => plain(drop.basis)),
    ),
    numbers(
      'Attempts',
      of((drop) => drop.attempts),
    ),
    numbers(
      'Packets',
      of((drop) => drop.packets),
    ),
    strings(
      'Why',
      of((drop) => drop.sentence),
    ),
    strings(
      'Cluster',
      of((drop) => drop.cluster),
    ),
    strings(
      'Id',
      of((drop) => drop.id),
      { links: explanationLink(page) },
    ),
  ];
  const meta = { preferredVisualisationType: 'table' } as const;
  return { refId: query.refId, name: 'Blocked connections', meta, fields, length: drops.length };
}

/** Blocked connections as log lines (each line the explanation in one sentence) or as a table. */
export function dropsFrame({ drops }: DropsAnswer, query: CompleteQuery, page: PageUrl): DataFrame {
  return (query.format === 'table' ? tableFrame : logFrame)(drops.nodes, query, page);
}
