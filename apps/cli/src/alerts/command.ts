import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parseDuration, readRuleFile } from '@whydrop/alerting';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { SERVER_OPTIONS, withServer } from '../server/connect.js';
import { parseMatcher } from './matcher.js';
import { printAlert, printAlerts, printRules, printSilences } from './print.js';
import {
  type Changed,
  createSilence,
  expireSilence,
  fetchAlert,
  fetchAlerts,
  fetchRules,
  fetchSilences,
} from './query.js';

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = {
  ...SERVER_OPTIONS,
  all: { type: 'boolean' },
  cluster: { type: 'string' },
  rule: { type: 'string' },
  policy: { type: 'string' },
  for: { type: 'string' },
  comment: { type: 'string' },
  expire: { type: 'string' },
  json: { type: 'boolean' },
} as const;

type Words = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function out<T>(words: Words, io: Io, list: readonly T[], print: (list: readonly T[], io: Io) => void): number {
  if (words.json === true) for (const one of list) io.stdout(`${JSON.stringify(one)}\n`);
  else print(list, io);
  return 0;
}

async function list(words: Words, io: Io): Promise<number> {
  const { all, cluster, rule, policy } = words;
  const filter = { ...(all ? {} : { states: ['PENDING', 'FIRING'] }), cluster, rule, policy };
  return out(words, io, await withServer(words, io, (client) => fetchAlerts(client, filter)), printAlerts);
}

async function show(words: Words, [id, ...more]: readonly string[], io: Io): Promise<number> {
  if (id === undefined || more.length > 0)
    throw new UsageError('give the id of one alert: whydrop alerts list shows them');
  const alert = await withServer(words, io, (client) => fetchAlert(client, id));
  if (!alert) {
    io.stderr(`there is no alert ${id}\n`);
    return 1;
  }
  return out(words, io, [alert], ([one], to) => one && printAlert(one, to));
}

function changed({ silence, userErrors }: Changed, words: Words, io: Io): number {
  const error = userErrors[0];
  if (error) throw new UsageError(`${error.path.slice(1).join('.') || error.path.join('.')}: ${error.message}`);
  return out(words, io, silence ? [silence] : [], printSilences);
}

async function silence(words: Words, matchers: readonly string[], io: Io): Promise<number> {
  const { expire, comment, for: lasting } = words;
  if (expire !== undefined)
    return changed(await withServer(words, io, (client) => expireSilence(client, expire)), words, io);
  if (matchers.length === 0) return out(words, io, await withServer(words, io, fetchSilences), printSilences);
  const micros = parseDuration(lasting ?? '');
  if (!micros) throw new UsageError('give --for, how long: 30m, 2h, 1d');
  if (comment === undefined) throw new UsageError('give --comment: why');
  const input = { matchers: matchers.map(parseMatcher), comment, duration: `PT${Math.round(micros / 1e6)}S` };
  return changed(await withServer(words, io, (client) => createSilence(client, input)), words, io);
}

/** `rules check FILE` needs no server. */
async function rules(words: Words, [action, file, ...more]: readonly string[], io: Io): Promise<number> {
  if (action === undefined) return out(words, io, await withServer(words, io, fetchRules), printRules);
  if (action !== 'check' || file === undefined || more.length > 0)
    throw new UsageError('give rules, or rules check FILE');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`);
  });
  const read = readRuleFile(text, file);
  if (read.kind === 'errors') throw new UsageError(read.errors.join('\n'));
  io.stdout(`${file}: ${read.rules.length} ${read.rules.length === 1 ? 'rule' : 'rules'}\n`);
  return 0;
}

/** `whydrop alerts [list] | show ID | silence [MATCHER…] | rules [check FILE]` */
export async function runAlerts(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const [action = 'list', ...rest] = positionals;
  if (action === 'list' && rest.length === 0) return list(values, io);
  if (action === 'show') return show(values, rest, io);
  if (action === 'silence') return silence(values, rest, io);
  if (action === 'rules') return rules(values, rest, io);
  throw new UsageError(`'${[action, ...rest].join(' ')}': give list, show, silence or rules`);
}
