import type { Reader, Statement } from './reader.js';

/** The same rows in their order, as one JSON value: a long list is read by native code at once, not value by value. */
function asJson({ text, values }: Statement): Statement {
  return { text: `SELECT coalesce(json_agg(listed), '[]') AS rows FROM (${text.trim()}) listed`, values };
}

/** Runs a statement of whose columns JSON loses nothing: texts, JSON, and whole numbers up to 2^53. */
export async function rowsAsJson<Row>(reader: Reader, statement: Statement): Promise<readonly Row[]> {
  const [answer] = await reader.rows<{ readonly rows: readonly Row[] }>(asJson(statement));
  return answer?.rows ?? [];
}
