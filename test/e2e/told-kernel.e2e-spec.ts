import { jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningCollector, startCollector } from '../../apps/collector/src/collector.js';
import { parseOptions } from '../../apps/collector/src/options.js';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const NODE = `wdtold${process.pid.toString(36)}`;
const TOOLS = ['iptables-save', 'ip6tables-save', 'nft'];
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

const inside = (program: string, ...args: readonly string[]) =>
  execFileSync('ip', ['netns', 'exec', NODE, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

/** A network namespace with rules of its own; undefined where it cannot be made. */
function aNode(): string | undefined {
  const home = mkdtempSync(path.join(tmpdir(), 'whydrop-told-'));
  try {
    execFileSync('ip', ['netns', 'add', NODE], { stdio: 'ignore' });
    inside('ip', 'link', 'set', 'lo', 'up');
    const comment = ['-m', 'comment', '--comment', '[1:2] -A "x" \\'];
    for (let port = 1; port <= 9; port++)
      inside('iptables', '-A', 'OUTPUT', '-p', 'udp', '--dport', `${port}`, ...comment, '-j', 'ACCEPT');
    inside('ip6tables', '-A', 'INPUT', '-p', 'udp', '-j', 'DROP');
    inside('nft', 'add table inet own; add chain inet own out { type filter hook output priority 10; }');
    inside('nft', 'add rule inet own out udp dport 9 counter accept');
    for (const tool of TOOLS) inside(tool, '--version');
    return home;
  } catch (error) {
    rmSync(home, { recursive: true });
    execFileSync('sh', ['-c', `ip netns del ${NODE} 2>/dev/null || true`]);
    if (process.env['CI'] === 'true') throw new Error('no namespace with rules: the test needs root', { cause: error });
    process.stderr.write('rules of a kernel are left out: a network namespace, iptables and nft are needed\n');
    return undefined;
  }
}

/** The tools as the collector finds them: the real ones, in the node's namespace. */
function toolsOf(home: string): string {
  const folder = path.join(home, 'tools');
  mkdirSync(folder);
  for (const tool of TOOLS) {
    const file = path.join(folder, tool);
    const real = execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${tool}`])
      .toString()
      .trim();
    writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${NODE} ${real} "$@"\n`);
    chmodSync(file, 0o755);
  }
  return folder;
}

const usual = process.env['PATH'];
const home = aNode();
let stack: Stack | undefined;
let collector: RunningCollector | undefined;

afterAll(async () => {
  process.env['PATH'] = usual;
  await collector?.stop(1_000);
  await stack?.stop();
  if (home === undefined) return;
  execFileSync('ip', ['netns', 'del', NODE]);
  rmSync(home, { recursive: true });
});

/** How often a stream came whole and told, and how many bytes that was. */
async function shipped({ database }: Stack, stream: string) {
  const { rows } = await database.pool.query<{ whole: number; told: number }>(
    `SELECT count(*) FILTER (WHERE base IS NULL)::int AS whole, count(base)::int AS told FROM raw_batch WHERE stream = $1`,
    [stream],
  );
  return rows[0] ?? { whole: 0, told: 0 };
}

async function until(done: () => Promise<boolean>, ms = 30_000): Promise<void> {
  for (const end = Date.now() + ms; !(await done()); await sleep(50)) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

it.each(home === undefined ? [] : [home])(
  'rules of a kernel come whole when they changed, and their counters always',
  async (folder) => {
    stack = await startStack('postgres');
    const running = stack;
    process.env['PATH'] = `${toolsOf(folder)}:${usual}`;
    const words = ['--url', stack.url, '--token', stack.token, '--cluster', 'told', '--node', NODE, '--flush-ms', '20'];
    const own = ['--spool', path.join(folder, 'spool'), '--read', 'iptables,nft', '--interval', '700ms'];
    collector = await startCollector(parseOptions([...words, ...own], {}), SILENT);
    const came = (stream: string, whole: number, told: number) => async () => {
      const now = await shipped(running, stream);
      return now.whole >= whole && now.told >= told;
    };
    for (const stream of ['iptables.save', 'ip6tables.save', 'nft.json']) await until(came(stream, 1, 2));
    expect(await shipped(stack, 'iptables.save')).toMatchObject({ whole: 1 });

    for (let sent = 0; sent < 7; sent++) inside('bash', '-c', 'echo -n x > /dev/udp/127.0.0.1/9');
    expect(inside('iptables-save', '-c')).toMatch(/^\[7:203\] -A OUTPUT .*--dport 9 /m);
    const counted = async () => {
      const { rows } = await running.database.pool.query(
        `SELECT DISTINCT b.stream FROM ruleset_snapshot s JOIN raw_batch b ON b.id = s.batch_id
          WHERE s.counters @> ARRAY[7, 203]::int8[] AND b.base IS NOT NULL`,
      );
      return rows.length === 2;
    };
    await until(counted);
    expect(await shipped(stack, 'iptables.save')).toMatchObject({ whole: 1 });

    inside('iptables', '-A', 'OUTPUT', '-j', 'RETURN');
    await until(came('iptables.save', 2, 4));
    expect(await shipped(stack, 'iptables.save')).toMatchObject({ whole: 2 });
    await collector.stop(10_000);
    collector = undefined;
    await waitUntilWorked(stack);
    expect(
      (
        await stack.database.pool.query(
          'SELECT stream, reason, detail FROM reject r JOIN raw_batch b ON b.id = r.batch_id',
        )
      ).rows,
    ).toEqual([]);
  },
);
