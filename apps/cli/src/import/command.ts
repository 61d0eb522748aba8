import { parseArgs } from 'node:util';
import { fetchCounted, printCounted } from '../drops/counted.js';
import { printDrops } from '../drops/print.js';
import { fetchDrops } from '../drops/query.js';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import type { WhydropClient } from '../server/client.js';
import { SERVER_OPTIONS, withServer } from '../server/connect.js';
import { type Bundle, openBundle } from './bundle.js';
import { type Shipped, shipBundle } from './ship.js';

function summary(bundle: Bundle, shipped: Shipped): string {
  const { cluster, from, to } = bundle.manifest;
  const again = shipped.duplicates > 0 ? ` (${shipped.duplicates} of them known before)` : '';
  const rejects = shipped.rejects > 0 ? `; ${shipped.rejects} records were not understood, see rejects` : '';
  const lines = [
    `cluster ${cluster}, ${from} to ${to}: ${shipped.batches} batches${again}, ${shipped.bytes} bytes${rejects}`,
    ...bundle.passedOver.map((file) => `passed over: ${file} (the layout of bundles does not know it)`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Ships an opened bundle and prints what was found in its time. */
export async function importBundle(client: WhydropClient, bundle: Bundle, io: Io): Promise<void> {
  const shipped = await shipBundle(client, bundle, io);
  io.stderr(summary(bundle, shipped));
  const { cluster, from, to } = bundle.manifest;
  const drops = await fetchDrops(client, { cluster, from, to, failed: true });
  printCounted(await fetchCounted(client, { from, to }, cluster), io);
  printDrops(drops, io);
}

/** `whydrop import DIR` */
export async function runImport(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: SERVER_OPTIONS, allowPositionals: true });
  const [directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0) throw new UsageError('give one folder: whydrop import DIR');
  const bundle = await openBundle(directory);
  await withServer(values, io, (client) => importBundle(client, bundle, io));
  return 0;
}
