// The schema that the migrations make, as PostgreSQL itself describes it: committed, so that a change shows in review.
//
//   node tools/schema-snapshot.mjs --write    writes libs/storage/schema.snapshot.sql from a scratch database
//   node tools/schema-snapshot.mjs            prints the schema of the database of DATABASE_URL
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { withScratchDatabase } from './scratch-database.mjs';

const FILE = path.resolve(import.meta.dirname, '../libs/storage/schema.snapshot.sql');
const HEADER =
  '-- What the migrations make. Written by `node tools/schema-snapshot.mjs --write`, compared by a test.\n';

const RELATIONS = `
  SELECT c.oid, c.relname AS name, c.relkind AS kind, c.relispartition AS partition, pg_get_partkeydef(c.oid) AS key,
         pg_get_expr(c.relpartbound, c.oid) AS bound, parent.relname AS parent, c.reloptions AS options,
         CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS view
  FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> '_prisma_migrations'
  ORDER BY c.relname`;

const COLUMNS = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
         pg_get_expr(d.adbin, d.adrelid) AS initial, a.attgenerated AS generated,
         CASE WHEN a.attstorage <> t.typstorage
              THEN CASE a.attstorage WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' WHEN 'p' THEN 'PLAIN' ELSE 'EXTENDED' END END AS storage
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

// NOT NULL stands at the column; from PostgreSQL 18 on it is a constraint (n) as well.
const CONSTRAINTS = `
  SELECT conname AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint
  WHERE conrelid = $1 AND contype <> 'n' AND conparentid = 0 ORDER BY contype = 'p' DESC, conname`;

const INDEXES = `
  SELECT pg_get_indexdef(x.indexrelid) AS text FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
  WHERE x.indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid) ORDER BY c.relname`;

const TRIGGERS = `SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal AND tgparentid = 0 ORDER BY tgname`;

const FUNCTIONS = `
  SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc p
  WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  ORDER BY p.proname, pg_get_function_identity_arguments(p.oid)`;

function column({ name, type, required, initial, generated, storage }) {
  const value = initial === null ? '' : generated ? ` GENERATED ALWAYS AS (${initial}) STORED` : ` DEFAULT ${initial}`;
  return `${name} ${type}${storage ? ` STORAGE ${storage}` : ''}${value}${required ? ' NOT NULL' : ''}`;
}

async function relation(client, { oid, name, kind, partition, key, bound, parent, options, view }) {
  const query = async (sql) => (await client.query(sql, [oid])).rows;
  if (partition) return `CREATE TABLE ${name} PARTITION OF ${parent} ${bound};\n`;
  if (view !== null) return `CREATE ${kind === 'm' ? 'MATERIALIZED ' : ''}VIEW ${name} AS\n${view}\n`;
  const constraints = (await query(CONSTRAINTS)).map((row) => `CONSTRAINT ${row.name} ${row.text}`);
  const inside = [...(await query(COLUMNS)).map(column), ...constraints].map((line) => `  ${line}`).join(',\n');
  const tail = `${key ? ` PARTITION BY ${key}` : ''}${options ? ` WITH (${options.join(', ')})` : ''}`;
  const after = [...(await query(INDEXES)), ...(await query(TRIGGERS))].map(
    (row) => `${row.text.replace(' ON ONLY ', ' ON ')};\n`,
  );
  return `CREATE TABLE ${name} (\n${inside}\n)${tail};\n${after.join('')}`;
}

async function snapshot(connectionString) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query('SET search_path TO public');
    const blocks = [];
    for (const row of (await client.query(RELATIONS)).rows) blocks.push(await relation(client, row));
    for (const row of (await client.query(FUNCTIONS)).rows) blocks.push(`${row.text.trim()};\n`);
    return [HEADER, ...blocks].join('\n');
  } finally {
    await client.end();
  }
}

if (process.argv[2] === '--write') {
  writeFileSync(FILE, await withScratchDatabase(snapshot));
} else if (process.env.DATABASE_URL) {
  process.stdout.write(await snapshot(process.env.DATABASE_URL));
} else {
  console.error('usage: node tools/schema-snapshot.mjs --write, or with DATABASE_URL set to print');
  process.exit(2);
}
