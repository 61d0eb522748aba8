import { parseArgs } from 'node:util';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { withServer } from '../server/connect.js';
import { type CountedAnswer, fetchCounted, printCounted } from './counted.js';
import { dropJson } from './json.js';
import { printDrops } from './print.js';
import type { WhydropClient } from '../server/client.js';
import { type DropAnswer, type DropsRequest, fetchDrops } from './query.js';
import { causeOf, secondsOf, WHICH_OPTIONS } from './words.js';

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = { ...WHICH_OPTIONS, from: { type: 'string' }, to: { type: 'string' } } as const;

function rfc3339(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (Number.isNaN(Date.parse(text))) throw new UsageError(`--${option} ${text}: write it as 2026-11-20T14:02:00Z`);
  return new Date(text).toISOString();
}

type Words = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Without a time everything that is stored is meant. */
export function timeOf({
  since,
  from,
  to,
}: Pick<Words, 'since' | 'from' | 'to'>): Pick<DropsRequest, 'from' | 'to' | 'last'> {
  if (since !== undefined) {
    if (from !== undefined || to !== undefined) throw new UsageError('give --since, or --from and --to');
    return { last: `PT${secondsOf(since)}S` };
  }
  return { from: rfc3339('from', from) ?? '1970-01-01T00:00:00Z', to: rfc3339('to', to) };
}

/** Drops, and what was counted only: that has no addresses, and cannot be asked for by what a drop has. */
async function fetchAll(
  client: WhydropClient,
  request: DropsRequest,
  { json, namespace, policy, cause }: Words,
): Promise<readonly [readonly DropAnswer[], readonly CountedAnswer[]]> {
  const drops = await fetchDrops(client, request);
  const isNarrow = json === true || [namespace, policy, cause].some((word) => word !== undefined);
  if (isNarrow) return [drops, []];
  const { from, to, last, cluster } = request;
  return [drops, await fetchCounted(client, last === undefined ? { from, to } : { last }, cluster)];
}

/** `whydrop drops` */
export async function runDrops(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { cluster, namespace, policy, failed = false } = values;
  const request = { ...timeOf(values), cluster, namespace, policy, cause: causeOf(values.cause), failed };
  const [drops, counted] = await withServer(values, io, (client) => fetchAll(client, request, values));
  if (values.json === true) for (const drop of drops) io.stdout(`${JSON.stringify(dropJson(drop))}\n`);
  else {
    printCounted(counted, io);
    printDrops(drops, io);
  }
  return 0;
}
