import { access, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runTool, whereIs } from './child.js';

/** The one word by which a rule is known as ours; it names the node, as several nodes may share a machine in a lab. */
export function ownMark(purpose: 'observe-new' | 'trace', node: string): string {
  return `whydrop:${purpose}:${node}`.slice(0, 200);
}

const FAMILIES = ['iptables', 'ip6tables'] as const;

/** The rules of the raw table that carry a mark, as iptables-save prints them. */
export function ruleLines(saved: string, mark: string): readonly string[] {
  return saved.split('\n').filter((line) => {
    const comment = /^-A \S+ .*--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(line);
    return (comment?.[1] ?? comment?.[2]) === mark;
  });
}

async function removeFrom(family: string, mark: string): Promise<void> {
  const { stdout } = await runTool([`${family}-save`, '-t', 'raw']);
  const lines = ruleLines(stdout.toString(), mark);
  if (lines.length === 0) return;
  const deletions = lines.map((line) => line.replace(/^-A/, '-D'));
  await runTool([`${family}-restore`, '-w', '5', '--noflush'], `*raw\n${deletions.join('\n')}\nCOMMIT\n`);
}

/** Takes our rules out again, also those that a killed run left; nobody else's rule is touched. */
async function removeOwnRules(mark: string): Promise<void> {
  for (const family of FAMILIES) {
    // A kernel without a raw table, or without IPv6, holds no rule of ours.
    if (whereIs(family) !== undefined) await removeFrom(family, mark).catch(() => undefined);
  }
}

/** Puts a rule in front of a chain of the raw table, in both families. It fails only when neither takes it. */
async function addOwnRule(
  chain: string,
  words: readonly string[],
  mark: string,
  target: readonly string[],
): Promise<void> {
  const rule = ['-I', chain, '1', ...words, '-m', 'comment', '--comment', mark, ...target];
  const failures: Error[] = [];
  for (const family of FAMILIES) {
    await runTool([family, '-w', '5', '-t', 'raw', ...rule]).catch((error: Error) => failures.push(error));
  }
  if (failures.length === FAMILIES.length) throw failures[0] ?? new Error('no rule was made');
}

/** A sign in the spool that rules of ours may be in the kernel. */
const SIGN = 'own-rules';

/** Takes out what a killed run left; looks at the kernel's tables only when there is something. */
export async function removeLeftovers(spool: string, node: string): Promise<void> {
  const sign = path.join(spool, SIGN);
  const isThere = await access(sign).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  await removeOwnRules(ownMark('observe-new', node));
  await removeOwnRules(ownMark('trace', node));
  await rm(sign, { force: true });
}

/** Rules of ours for the time of a reader: first the sign that they may be there, then the rules, and all away again. */
export class OwnRules {
  private making: Promise<void> = Promise.resolve();

  constructor(
    private readonly spool: string,
    private readonly mark: string,
  ) {}

  /** Rejects with what iptables said when a rule could not be made. */
  make(chains: readonly string[], words: readonly string[], target: readonly string[]): Promise<void> {
    const work = async (): Promise<void> => {
      await writeFile(path.join(this.spool, SIGN), `${this.mark}\n`, { flag: 'a' });
      await removeOwnRules(this.mark);
      for (const chain of chains) await addOwnRule(chain, words, this.mark, target);
    };
    this.making = work();
    return this.making;
  }

  async remove(): Promise<void> {
    // What is just being made would stay.
    await this.making.catch(() => undefined);
    await removeOwnRules(this.mark);
  }
}
