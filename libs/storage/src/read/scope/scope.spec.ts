import { scopedStatement } from './scope.js';
import { SCOPED_TABLES } from './tables.js';

const SCOPE = { namespaces: ['dev', 'qa'], cluster: 'lab' };

describe('a statement of a reader that is limited to namespaces', () => {
  it('runs over what the scope leaves of every table, its values after those it had', () => {
    const { text, values } = scopedStatement({ text: 'SELECT * FROM "drop" WHERE id = $1', values: ['a'] }, SCOPE);
    expect(values).toEqual(['a', ['dev', 'qa'], 'lab']);
    expect(text).toMatch(/^WITH "cluster" AS NOT MATERIALIZED \(SELECT \* FROM public.cluster WHERE \$3::text IS NULL/);
    expect(text).toContain('= ANY ($2::text[])');
    expect(text).toMatch(/\)\nSELECT \* FROM "drop" WHERE id = \$1$/);
  });

  it('keeps the tables it makes itself', () => {
    const { text } = scopedStatement({ text: '\nWITH groups AS MATERIALIZED (SELECT 1) SELECT 2', values: [] }, SCOPE);
    expect(text).toMatch(/\), groups AS MATERIALIZED \(SELECT 1\) SELECT 2$/);
    expect(text.match(/\bWITH (?!ORDINALITY)/g)).toHaveLength(1);
  });

  it('of every cluster has null for the cluster', () => {
    expect(scopedStatement({ text: 'SELECT 1', values: [] }, { namespaces: ['dev'] }).values).toEqual([['dev'], null]);
  });

  it.each(Object.entries(SCOPED_TABLES))('%s reads tables by their full name, or those before it', (name, sql) => {
    const before = Object.keys(SCOPED_TABLES).slice(0, Object.keys(SCOPED_TABLES).indexOf(name));
    const bare = [...sql.matchAll(/\b(?:FROM|JOIN) "(\w+)"/g)].map(([, table]) => table);
    expect(bare.filter((table) => !before.includes(table ?? ''))).toEqual([]);
  });
});
