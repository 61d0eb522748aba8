import { auditedRow, recordChange, type Database, type Principal } from '@whydrop/storage';
import type { Rule } from './rules.js';

type Values = Readonly<Record<string, unknown>>;

function keyOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : undefined;
}

/** Makes a change and writes down who made it, and what was there before and after. A refused change leaves no line. */
export async function audited(
  db: Database,
  principal: Principal,
  action: string,
  { table, key }: NonNullable<Rule['changes']>,
  args: Values,
  run: () => unknown,
): Promise<unknown> {
  const named = keyOf(key(args, {}));
  const before = named === undefined ? undefined : await auditedRow(db, table, named);
  const answer = (await run()) as Values & { readonly userErrors?: readonly unknown[] };
  if ((answer.userErrors ?? []).length > 0) return answer;
  const changed = keyOf(key(args, answer));
  if (changed === undefined) return answer;
  const after = await auditedRow(db, table, changed);
  const { name: actor, tokenId, role } = principal;
  await recordChange(db, { actor, tokenId, role, action, table, key: changed, before, after });
  return answer;
}
