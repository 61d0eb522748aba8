import { mkdir, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BatchHead } from '../spool/record.js';

/** So many bytes of refused batches are kept; the oldest go. */
const KEPT_BYTES = 16 * 1024 * 1024;

/** Keeps a batch that the server refused, as it was sent, with the reason beside it: for whoever wants to know why. */
export async function keepAside(folder: string, head: BatchHead, body: Buffer, reason: string): Promise<string> {
  const aside = path.join(folder, 'refused');
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const name = `${head.stream.replaceAll(/[^\w.-]/g, '_').slice(0, 80)}-${head.epoch}-${head.sequence}`;
  const file = path.join(aside, `${name}.gz`);
  await writeFile(`${file}.part`, body, { flush: true });
  await rename(`${file}.part`, file);
  await writeFile(path.join(aside, `${name}.json`), `${JSON.stringify({ ...head, reason })}\n`);
  await thin(aside);
  return file;
}

async function thin(aside: string): Promise<void> {
  const names = await readdir(aside);
  const files = await Promise.all(
    names.map(async (name) => ({
      name,
      ...(await stat(path.join(aside, name)).then(({ size, mtimeMs }) => ({ size, mtimeMs }))),
    })),
  );
  let bytes = files.reduce((sum, { size }) => sum + size, 0);
  for (const { name, size } of files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (bytes <= KEPT_BYTES) return;
    await unlink(path.join(aside, name));
    bytes -= size;
  }
}
