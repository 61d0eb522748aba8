import { Params } from './condition.js';
import type { Reader, Statement } from './reader.js';

/** One statement for more lists might take longer than a statement may. */
const MOST_LISTS = 100;

const PLACEHOLDER = /\$(\d+)::([a-z]\w*(?:\[\])?)/g;

type Lists = readonly [Statement, ...Statement[]];

const isList = (value: unknown): boolean => Array.isArray(value);
const keyOf = ({ values }: Statement): string => JSON.stringify(values);

/**
 * Statements of one text as one statement: what they all ask alike stays a parameter, where they differ each takes its values
 * from a row of `wanted`. Rows come list by list, each list in its order, `list` counted from 1. Values that are arrays must be alike.
 */
export function togetherStatement(statements: Lists): Statement {
  const [{ text, values }] = statements;
  const params = new Params();
  const differs = values.map((value, i) => statements.some((other) => other.values[i] !== value && !isList(value)));
  const columns = new Map<number, string>();
  const alike = new Map<number, string>();
  const one = text.replaceAll(PLACEHOLDER, (_, number: string, cast: string) => {
    const i = Number(number) - 1;
    if (differs[i]) {
      const column = statements.map((each) => each.values[i]);
      if (!columns.has(i)) columns.set(i, params.add(column, `${cast}[]`));
      return `wanted.v${number}`;
    }
    const known = alike.get(i) ?? params.add(values[i], cast);
    alike.set(i, known);
    return known;
  });
  const names = [...columns.keys()].map((i) => `v${i + 1}`);
  return {
    text: `SELECT wanted.list, found.*
FROM unnest(${[...columns.values()].join(', ')}) WITH ORDINALITY AS wanted (${[...names, 'list'].join(', ')})
CROSS JOIN LATERAL (SELECT row_number() OVER () AS place, listed.* FROM (${one.trim()}) listed) found
ORDER BY wanted.list, found.place`,
    values: params.values,
  };
}

/** Statements that can be asked together: of one text, and of the same arrays, which a row of `wanted` cannot hold. */
function inGroups(statements: readonly Statement[]): readonly Lists[] {
  const found = new Map<string, Map<string, Statement>>();
  for (const statement of statements) {
    const key = JSON.stringify([statement.text, statement.values.filter(isList)]);
    const group = found.get(key) ?? new Map<string, Statement>();
    found.set(key, group.set(keyOf(statement), statement));
  }
  return [...found.values()].flatMap((group) => {
    const lists = [...group.values()];
    const parts = Array.from({ length: Math.ceil(lists.length / MOST_LISTS) }, (_, i) => i * MOST_LISTS);
    return parts.map((start) => lists.slice(start, start + MOST_LISTS) as [Statement, ...Statement[]]);
  });
}

async function readLists<Row>(reader: Reader, lists: Lists): Promise<readonly (readonly Row[])[]> {
  if (lists.length === 1) return [await reader.rows<Row>(lists[0])];
  type Placed = Row & { readonly list: bigint; readonly place: bigint };
  const rows = lists.map((): Row[] => []);
  for (const { list, place: _place, ...row } of await reader.rows<Placed>(togetherStatement(lists))) {
    rows[Number(list) - 1]?.push(row as Row);
  }
  return rows;
}

/** The rows of each of these statements, in their order; those that differ in values only are read with one. */
export async function readTogether<Row>(
  reader: Reader,
  statements: readonly Statement[],
): Promise<readonly (readonly Row[])[]> {
  const found = new Map<string, readonly Row[]>();
  const nameOf = (statement: Statement) => `${statement.text}\0${keyOf(statement)}`;
  await Promise.all(
    inGroups(statements).map(async (lists) => {
      const rows = await readLists<Row>(reader, lists);
      for (const [i, statement] of lists.entries()) found.set(nameOf(statement), rows[i] ?? []);
    }),
  );
  return statements.map((statement) => found.get(nameOf(statement)) ?? []);
}
