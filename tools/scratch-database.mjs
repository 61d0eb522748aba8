// A migrated database that is gone afterwards. Uses the built program: run `npm run build` first.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');

/** The parts of the built program that tools need. */
export async function storageTools() {
  const { startEmbeddedPostgres } = await import('../dist/libs/storage/src/embedded/index.js');
  const { migrate } = await import('../dist/libs/storage/src/migrate/index.js');
  return { startEmbeddedPostgres, migrate: (url) => migrate(url, path.join(ROOT, 'prisma/migrations')) };
}

export async function withScratchDatabase(work) {
  const { startEmbeddedPostgres, migrate } = await storageTools();
  const dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-scratch-'));
  const server = await startEmbeddedPostgres({ dataDir, ephemeral: true, unsafeFast: true });
  try {
    await migrate(server.url);
    return await work(server.url);
  } finally {
    await server.stop();
  }
}
