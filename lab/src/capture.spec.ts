import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture, type Truth } from './capture.js';
import { run } from './shell.js';
import { NOT_A_POLICY_DIALECTS, notAPolicy } from './stories/not-a-policy.js';

const isRoot = process.getuid?.() === 0;
const mustRun = process.env['CI'] === 'true';

/** `capture` itself throws when the kernel did something else than the story says. */
async function captureAll(folder: string): Promise<ReadonlyMap<string, readonly Truth[]>> {
  const runs = NOT_A_POLICY_DIALECTS.map(
    async (dialect) => [dialect, await capture(notAPolicy(dialect), join(folder, dialect))] as const,
  );
  return new Map(await Promise.all(runs));
}

const count = (truth: readonly Truth[], outcome: Truth['outcome']): number =>
  truth.filter((line) => line.outcome === outcome).length;

function counterOf(folder: string, line: Truth): number {
  const node = join(folder, 'bundle', 'nodes', line.node ?? '');
  const last = readdirSync(node)
    .filter((name) => name.startsWith('iptables.'))
    .sort()
    .at(-1);
  const rows = readFileSync(join(node, last ?? ''), 'utf8').split('\n');
  const row = rows.find((each) => each.endsWith(line.rule ?? 'no rule'));
  return Number(/^\[(\d+):/.exec(row ?? '')?.[1] ?? -1);
}

describe('a capture on this machine’s kernel', () => {
  if (!isRoot && !mustRun) {
    it('needs root', () => {
      console.log('lab: no capture was made, because network namespaces need root');
      expect(isRoot).toBe(false);
    });
    return;
  }

  it('tells in every dialect what became of every attempt, and leaves nothing behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'whydrop-lab-spec-'));
    try {
      const truths = await captureAll(folder);
      expect(run(undefined, ['ip', 'netns', 'list'])).not.toContain(`wd${process.pid.toString(36)}x`);
      for (const [dialect, truth] of truths) {
        expect(count(truth, 'allowed')).toBeGreaterThanOrEqual(5);
        expect(count(truth, 'failed')).toBeGreaterThanOrEqual(1);
        const stopped = truth.filter((line) => line.rule !== null);
        expect(stopped.length).toBeGreaterThanOrEqual(4);
        for (const line of stopped) {
          expect(counterOf(join(folder, dialect), line)).toBeGreaterThanOrEqual(line.packets);
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 90_000);
});
