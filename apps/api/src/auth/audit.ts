import { auditedRow, inOneChange, recordChange, type Database, type Principal, type Writer } from '@whydrop/storage';
import type { Rule } from './rules.js';

type Values = Readonly<Record<string, unknown>>;
type Answer = Values & { readonly userErrors?: readonly unknown[] };

function keyOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : undefined;
}

/** Thrown out of a transaction so that a change that was refused leaves nothing, whatever it had begun. */
class Refused extends Error {
  constructor(readonly answer: Answer) {
    super('the change was refused');
  }
}

/**
 * Makes a change and writes down who made it, and what was there before and after: all of it in one transaction, so that
 * there is no change without its line and no line without its change. A refused change leaves no line.
 */
export async function audited(
  db: Database,
  principal: Principal,
  action: string,
  { table, key }: NonNullable<Rule['changes']>,
  args: Values,
  run: (writer: Writer) => unknown,
): Promise<unknown> {
  const { name: actor, tokenId, role } = principal;
  const change = async (writer: Writer): Promise<Answer> => {
    const named = keyOf(key(args, {}));
    const before = named === undefined ? undefined : await auditedRow(writer, table, named);
    const answer = (await run(writer)) as Answer;
    const changed = keyOf(key(args, answer));
    if ((answer.userErrors ?? []).length > 0 || changed === undefined) throw new Refused(answer);
    const after = await auditedRow(writer, table, changed);
    await recordChange(writer, { actor, tokenId, role, action, table, key: changed, before, after });
    return answer;
  };
  try {
    return await inOneChange(db, change);
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw error;
  }
}
