import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One folder of prisma/migrations. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** sha256 of the file's bytes, hexadecimal: Prisma's checksum. */
  readonly checksum: string;
}

/** The migrations of a folder in their order, which is that of their names. */
export function readMigrations(directory: string): readonly Migration[] {
  const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => {
      const bytes = readFileSync(path.join(directory, name, 'migration.sql'));
      return { name, sql: bytes.toString('utf8'), checksum: createHash('sha256').update(bytes).digest('hex') };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
