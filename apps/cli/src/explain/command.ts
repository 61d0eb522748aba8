import { parseArgs } from 'node:util';
import { fetchDrop } from '../drops/query.js';
import { dropJson } from '../drops/json.js';
import { NegativeAnswer, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { SERVER_OPTIONS, withServer } from '../server/connect.js';
import { explainText } from './text.js';

/** For a stored drop; test/house/help.spec.ts holds the help against them. */
export const OPTIONS = { ...SERVER_OPTIONS, json: { type: 'boolean' } } as const;

async function explainDrop(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const [id, ...rest] = positionals;
  if (id === undefined || rest.length > 0)
    throw new UsageError("give the id of one drop (whydrop drops shows them), or see 'whydrop explain --help'");
  const drop = await withServer(values, io, (client) => fetchDrop(client, id));
  if (!drop) {
    io.stderr(`no drop has the id ${id}\n`);
    throw new NegativeAnswer();
  }
  io.stdout(values.json === true ? `${JSON.stringify(dropJson(drop))}\n` : explainText(drop));
  return 0;
}

/** `whydrop explain`: one stored drop, or what manifests or a ruleset would do to a connection. */
export async function runExplain(args: string[], io: Io): Promise<number> {
  if (args.some((word) => word.startsWith('--packet') || word.startsWith('--ruleset'))) {
    return (await import('../explain-packet/index.js')).runExplainPacket(args, io);
  }
  if (args.some((word) => word.startsWith('--from') || word.startsWith('--manifests'))) {
    return (await import('../explain-offline/index.js')).runExplainOffline(args, io);
  }
  return explainDrop(args, io);
}
