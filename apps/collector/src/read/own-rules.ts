import { runTool, whereIs } from './child.js';

/** The one word by which a rule is known as ours; it names the node, as several nodes may share a machine in a lab. */
export function ownMark(purpose: 'observe-new' | 'trace', node: string): string {
  return `whydrop:${purpose}:${node}`.slice(0, 200);
}

export const FAMILIES = ['iptables', 'ip6tables'] as const;
export type Family = (typeof FAMILIES)[number];

/** The rules of the raw table that carry a mark, as iptables-save prints them. */
export function ruleLines(saved: string, mark: string): readonly string[] {
  return saved.split('\n').filter((line) => {
    const comment = /^-A \S+ .*--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(line);
    return (comment?.[1] ?? comment?.[2]) === mark;
  });
}

/** What the tools say where the kernel has no IPv6, or no raw table: no rule of ours is there, and none can be. */
const NO_TABLE = /do you need to insmod|not supported by protocol|protocol not supported/i;

/** Whether a tool failed because there is nothing that it could work on. */
export function isNoTable(error: unknown): boolean {
  return error instanceof NoTable || NO_TABLE.test((error as Error).message);
}

class NoTable extends Error {}

/** Our rules in the kernel. It throws when that cannot be told. */
export async function ownLines(family: Family, mark: string): Promise<readonly string[]> {
  if (whereIs(family) === undefined) throw new NoTable(`the program ${family} is not there`);
  const { stdout } = await runTool([`${family}-save`, '-t', 'raw']);
  return ruleLines(stdout.toString(), mark);
}

/** Takes our rules out of one family; nobody else's rule is touched. It throws when one of ours may still be there. */
export async function takeOut(family: Family, mark: string): Promise<void> {
  const lines = await ownLines(family, mark);
  if (lines.length === 0) return;
  const deletions = lines.map((line) => line.replace(/^-A/, '-D'));
  await runTool([`${family}-restore`, '-w', '5', '--noflush'], `*raw\n${deletions.join('\n')}\nCOMMIT\n`);
  const left = await ownLines(family, mark);
  if (left.length > 0) throw new Error(`${left.length} rules with the comment ${mark} are still in ${family}`);
}

/** Takes our rules out of both families; gives why one of them may still be there, undefined when surely none is. */
export async function takeOutEverywhere(mark: string): Promise<string | undefined> {
  const doubts: string[] = [];
  for (const family of FAMILIES) {
    await takeOut(family, mark).catch((error: Error) => isNoTable(error) || doubts.push(error.message));
  }
  return doubts.length === 0 ? undefined : doubts.join('; ');
}

/** Puts a rule in front of a chain of the raw table. */
export async function putIn(
  family: Family,
  chain: string,
  words: readonly string[],
  mark: string,
  target: readonly string[],
): Promise<void> {
  const rule = ['-I', chain, '1', ...words, '-m', 'comment', '--comment', mark, ...target];
  await runTool([family, '-w', '5', '-t', 'raw', ...rule]);
}
