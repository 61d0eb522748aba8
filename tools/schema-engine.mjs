// Prisma's schema engine as WebAssembly: `prisma migrate` without the download of an engine binary.
//
//   node tools/schema-engine.mjs diff     SQL that brings the migrations to prisma/schema.prisma: the next migration.sql
//   node tools/schema-engine.mjs drift    the same for the database of DATABASE_URL; exit code 1 when it is not empty
//   node tools/schema-engine.mjs status   which migrations the database of DATABASE_URL lacks, has edited, or failed at
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { withScratchDatabase } from './scratch-database.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');
const SCHEMA = path.join(ROOT, 'prisma/schema.prisma');
const MIGRATIONS = path.join(ROOT, 'prisma/migrations');
const OID_CHAR = 18;
const OID_TEXT = 25;
const filters = { externalTables: [], externalEnums: [] };

/** The catalogue has columns of the type "char", which the adapter refuses; the engine wants them as single characters. */
function readChars(base) {
  const { performIO, queryRaw, charColumns } = base;
  if (charColumns) return;
  const columns = new WeakMap();
  base.charColumns = columns;
  base.performIO = async function (query) {
    const result = await performIO.call(this, query);
    const chars = (result?.fields ?? []).map((field) => field.dataTypeID === OID_CHAR);
    chars.forEach((isChar, i) => isChar && (result.fields[i].dataTypeID = OID_TEXT));
    columns.set(query, chars);
    return result;
  };
  base.queryRaw = async function (query) {
    const result = await queryRaw.call(this, query);
    const chars = columns.get(query) ?? [];
    const columnTypes = result.columnTypes.map((type, i) => (chars[i] ? ColumnTypeEnum.Character : type));
    return { ...result, columnTypes };
  };
}

/** Prisma's adapter with what the engine needs of it repaired. */
class EngineAdapter extends PrismaPg {
  constructor(url) {
    super({ connectionString: url, options: '-c timezone=UTC', max: 1 });
  }

  async connect() {
    const adapter = await super.connect();
    const base = Object.getPrototypeOf(Object.getPrototypeOf(adapter));
    readChars(base);
    // The adapter cuts scripts at every semicolon, also within $$ … $$: they are sent whole.
    adapter.executeScript = async (sql) => {
      try {
        await adapter.underlyingDriver().query(sql);
      } catch (error) {
        adapter.onError(error);
      }
    };
    return adapter;
  }
}

async function instantiate() {
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };
  const file = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const wasm = await readFile(path.join(path.dirname(file), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

async function openEngine(url) {
  await instantiate();
  const files = [{ path: SCHEMA, content: await readFile(SCHEMA, 'utf8') }];
  const datamodels = files.map((file) => [file.path, file.content]);
  const adapter = bindMigrationAwareSqlAdapterFactory(new EngineAdapter(url));
  return { files, engine: await bindings.SchemaEngine.new({ datamodels }, () => {}, adapter) };
}

function migrationsList() {
  const lockfile = path.join(MIGRATIONS, 'migration_lock.toml');
  const folders = readdirSync(MIGRATIONS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return {
    baseDir: MIGRATIONS,
    lockfile: { path: 'migration_lock.toml', content: existsSync(lockfile) ? readFileSync(lockfile, 'utf8') : null },
    shadowDbInitScript: '',
    migrationDirectories: folders.map(({ name }) => {
      const value = readFileSync(path.join(MIGRATIONS, name, 'migration.sql'), 'utf8');
      return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value } } };
    }),
  };
}

/** SQL from the database to schema.prisma; '' when there is nothing to do. */
async function diff(url) {
  const { engine, files } = await openEngine(url);
  const from = { tag: 'schemaDatasource', files, configDir: path.dirname(SCHEMA) };
  const to = { tag: 'schemaDatamodel', files };
  const { stdout } = await engine.diff({ from, to, script: true, exitCode: true, filters, shadowDatabaseUrl: null });
  return stdout?.includes('This is an empty migration') ? '' : (stdout ?? '').trim();
}

async function status(url) {
  const { engine } = await openEngine(url);
  const input = { migrationsList: migrationsList(), optInToShadowDatabase: false, filters };
  const { history, failedMigrationNames, editedMigrationNames } = await engine.diagnoseMigrationHistory(input);
  const lacks = history?.unappliedMigrationNames ?? [];
  const unknown = history?.unpersistedMigrationNames ?? [];
  return { lacks, unknown, failed: failedMigrationNames, edited: editedMigrationNames };
}

function databaseUrl() {
  const url = process.env.DATABASE_URL;
  if (url) return url;
  throw new Error('DATABASE_URL says which database to look at; it is not set');
}

const commands = {
  async diff() {
    console.log((await withScratchDatabase(diff)) || '-- schema.prisma says what the migrations say');
    return 0;
  },
  async drift() {
    const sql = await diff(databaseUrl());
    console.log(sql || 'no drift');
    return sql ? 1 : 0;
  },
  async status() {
    const found = await status(databaseUrl());
    for (const [word, names] of Object.entries(found)) for (const name of names) console.log(`${word}: ${name}`);
    const odd = Object.values(found).some((names) => names.length > 0);
    if (!odd) console.log('in sync');
    return odd ? 1 : 0;
  },
};

const command = commands[process.argv[2]];
if (!command) {
  console.error('usage: node tools/schema-engine.mjs diff | drift | status');
  process.exit(2);
}
try {
  process.exit(await command());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
