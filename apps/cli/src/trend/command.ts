import { parseArgs } from 'node:util';
import { timeOf } from '../drops/command.js';
import { causeOf, secondsOf, WHICH_OPTIONS } from '../drops/words.js';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { withServer } from '../server/connect.js';
import { printTrend, trendJson } from './print.js';
import { DIMENSIONS, fetchTrend } from './query.js';

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = {
  ...WHICH_OPTIONS,
  from: { type: 'string' },
  to: { type: 'string' },
  step: { type: 'string' },
  by: { type: 'string' },
  top: { type: 'string' },
} as const;

function dimensionsOf(text: string | undefined): readonly string[] {
  const names = text === undefined ? [] : text.split(',').map((name) => name.trim());
  const odd = names.find((name) => !DIMENSIONS.some((known) => known === name));
  if (odd !== undefined) throw new UsageError(`--by ${odd}: is none of ${DIMENSIONS.join(', ')}`);
  return names;
}

function topOf(text = '5'): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1 || Number(text) > 100)
    throw new UsageError(`--top ${text}: must be from 1 to 100`);
  return Number(text);
}

/** `whydrop trend` */
export async function runTrend(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { cluster, namespace, policy, failed = false, since, from, to, step } = values;
  if (to !== undefined && from === undefined) throw new UsageError('give --from too');
  const time = since === undefined && from === undefined ? { last: 'PT86400S' } : timeOf(values);
  const by = dimensionsOf(values.by);
  const request = {
    ...{ ...time, cluster, namespace, policy, cause: causeOf(values.cause), failed, by, top: topOf(values.top) },
    step: step === undefined ? undefined : `PT${secondsOf(step, '--step')}S`,
  };
  const trend = await withServer(values, io, (client) => fetchTrend(client, request));
  if (values.json === true) for (const point of trendJson(trend)) io.stdout(`${JSON.stringify(point)}\n`);
  else printTrend(trend, by.length > 0, io);
  return 0;
}
