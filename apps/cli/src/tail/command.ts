import { parseArgs } from 'node:util';
import { dropJson } from '../drops/json.js';
import { dropLine } from '../drops/print.js';
import { conditionOf, type DropAnswer, DROP_FIELDS } from '../drops/query.js';
import { causeOf, secondsOf, WHICH_OPTIONS } from '../drops/words.js';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import type { WhydropClient } from '../server/client.js';
import { withServer } from '../server/connect.js';

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = { ...WHICH_OPTIONS, count: { type: 'string' } } as const;

const TAIL = `subscription ($filter: DropCondition!, $since: DateTime) {
  dropObserved(filter: $filter, since: $since) { __typename ... on Drop { ${DROP_FIELDS} } ... on Lagged { missed } }
}`;

interface Answer {
  readonly dropObserved:
    (DropAnswer & { readonly __typename: 'Drop' }) | { readonly __typename: 'Lagged'; readonly missed: number | null };
}

function sinceOf(text: string | undefined): string | null {
  return text === undefined ? null : new Date(Date.now() - secondsOf(text) * 1000).toISOString();
}

function countOf(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--count ${text}: must be a number from 1 on`);
  return Number(text);
}

/** What was not shown, in words: the list has it. */
function laggedLine(missed: number | null): string {
  const what = missed === null ? 'some changes were not heard' : `up to ${missed} drops were left out`;
  return `(${what}: whydrop drops shows them)\n`;
}

/** `whydrop tail`: ends when it is stopped, or after `--count` drops. */
export async function runTail(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { cluster, namespace, policy, failed = false } = values;
  const variables = {
    filter: conditionOf({ cluster, namespace, policy, cause: causeOf(values.cause), failed }),
    since: sinceOf(values.since),
  };
  const most = countOf(values.count);
  const follow = async (client: WhydropClient): Promise<number> => {
    let shown = 0;
    const onLost = () => io.stderr(laggedLine(null));
    for await (const { dropObserved: told } of client.subscribe<Answer>(TAIL, variables, onLost)) {
      if (told.__typename === 'Lagged') io.stderr(laggedLine(told.missed));
      else io.stdout(values.json === true ? `${JSON.stringify(dropJson(told))}\n` : `${dropLine(told)}\n`);
      if (told.__typename === 'Drop' && ++shown >= most) break;
    }
    return 0;
  };
  return withServer(values, io, follow);
}
