import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { type Captured, captureNode } from '../../../collector/src/capture/capture.js';
import { durationOf, OptionError, parseOptions } from '../../../collector/src/options.js';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = {
  for: { type: 'string' },
  cluster: { type: 'string' },
  node: { type: 'string' },
  interval: { type: 'string' },
  read: { type: 'string' },
  'nflog-groups': { type: 'string' },
  'follow-file': { type: 'string', multiple: true },
  scrape: { type: 'string', multiple: true },
} as const;

const USUAL_MS = 60_000;

/** Waits for the end of the time, or for Ctrl-C, which keeps what there is. */
function untilOver(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearTimeout(timer);
        resolve();
      });
    }
  });
}

function manifestOf(cluster: string, node: string, { from, to, complete, kernel, losses }: Captured): string {
  const limits =
    losses.length > 0 ? { limits: { losses: losses.map(({ stream, reason }) => `${stream} ${reason}`) } } : {};
  const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  return stringify({
    version: 1,
    cluster,
    ...times,
    timezone: 'UTC',
    nodes: { [node]: { complete, kernel, ...limits } },
  });
}

/** The collector's words out of ours; a capture has no server. */
function collectorWords(values: Readonly<Record<string, unknown>>): string[] {
  const words = Object.entries(values).flatMap(([name, value]) => {
    if (name === 'for') return [];
    return (Array.isArray(value) ? value : [value]).flatMap((each) => [`--${name}`, String(each)]);
  });
  return ['--url', 'http://127.0.0.1', ...words];
}

/** `whydrop capture DIR`: what this node says of its connections, as a bundle that `whydrop import` takes. */
export async function runCapture(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const [directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0) throw new UsageError('give one folder: whydrop capture DIR');
  try {
    const ms = values.for === undefined ? USUAL_MS : durationOf('for', values.for);
    const options = parseOptions(collectorWords(values), process.env);
    io.stderr(`reading ${options.node} for ${ms / 1000} s; Ctrl-C ends it sooner\n`);
    const captured = await captureNode(directory, options, untilOver(ms));
    await writeFile(path.join(directory, 'bundle.yaml'), manifestOf(options.cluster, options.node, captured));
    for (const warning of captured.warnings) io.stderr(`${warning}\n`);
    const complete = captured.complete.length > 0 ? captured.complete.join(', ') : 'nothing';
    io.stdout(`${directory}: ${captured.bytes} bytes, without a gap: ${complete}\n`);
    io.stderr(
      `add the cluster's objects: kubectl get pods,services,endpointslices,nodes,namespaces,networkpolicies -A -o yaml > ${path.join(directory, 'cluster', 'objects.yaml')}\n`,
    );
    return 0;
  } catch (error) {
    if (error instanceof OptionError) throw new UsageError(error.message);
    throw error;
  }
}
