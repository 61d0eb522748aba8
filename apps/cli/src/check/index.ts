import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { ClusterState } from '@whydrop/model';
import { createPolicyEngine, type PolicyEngine } from '@whydrop/policy';
import { UsageError } from '../errors.js';
import { answerText, podNames, undeclared, unknownAnswer } from './answer.js';
import { readManifests, type InvalidManifest, type Manifests } from './manifests.js';
import { isBadQuery, parseQuery, type CheckQuery } from './query.js';
import { isUsed, stateOfManifests } from './state.js';

/** Where the command writes. */
export interface CheckIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = {
  manifests: { type: 'string', short: 'm' },
  queries: { type: 'string', short: 'q' },
  at: { type: 'string' },
  verbose: { type: 'boolean', short: 'v' },
  'skip-invalid': { type: 'boolean' },
} as const;

const CHUNK = 1 << 16;

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`--at ${text} is no time: write 2026-11-21T10:00:00Z`);
  return time;
}

function place({ file, document, line, reason }: InvalidManifest): string {
  return `${file}: document ${document}, line ${line}: ${reason}\n`;
}

function passedOver({ objects }: Manifests): readonly string[] {
  const counts = new Map<string, number>();
  for (const object of objects) {
    const name = `${object.apiVersion} ${object.kind}`;
    if (!isUsed(object)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `passed over: ${count} x ${name}`).sort((a, b) => a.localeCompare(b));
}

/** Reads manifests into a state; undefined when some are invalid and must not be skipped. Says so on stderr. */
export async function loadState(
  folder: string,
  options: { readonly at: string | undefined; readonly verbose: boolean; readonly skipInvalid: boolean },
  io: CheckIo,
): Promise<ClusterState | undefined> {
  const at = timeOf(options.at);
  const manifests = await readManifests(folder);
  const { invalid } = manifests;
  for (const one of invalid) io.stderr(`${options.skipInvalid ? 'skipped: ' : ''}${place(one)}`);
  if (invalid.length > 0 && !options.skipInvalid) {
    io.stderr(`${invalid.length} invalid; --skip-invalid goes on without them\n`);
    return undefined;
  }
  if (options.verbose) for (const note of [...manifests.notes, ...passedOver(manifests)]) io.stderr(`${note}\n`);
  return stateOfManifests(manifests.objects, at);
}

/** Lines of a file, as they are read. */
async function* linesOf(file: string): AsyncGenerator<string> {
  if (file !== '-') await access(file).catch(() => Promise.reject(new UsageError(`${file}: there is no such file`)));
  const input = file === '-' ? process.stdin : createReadStream(file, { encoding: 'utf8', highWaterMark: CHUNK });
  for await (const line of createInterface({ input, crlfDelay: Infinity })) yield line;
}

class Run {
  private text = '';
  private number = 0;
  private readonly pods: ReadonlySet<string>;
  private asked = 0;
  failed = 0;
  expected = 0;
  bad = 0;

  constructor(
    state: ClusterState,
    private readonly engine: PolicyEngine,
    private readonly file: string,
    private readonly io: CheckIo,
  ) {
    this.pods = podNames(state);
  }

  line(line: string): void {
    this.number++;
    const text = this.number === 1 ? line.replace(/^\uFEFF/, '') : line;
    if (text.trim() === '') return;
    const query = parseQuery(text);
    if (isBadQuery(query)) {
      this.bad++;
      this.io.stderr(`${this.file}:${this.number}: ${query.reason}\n`);
      return;
    }
    this.query(query);
  }

  private query(query: CheckQuery): void {
    this.asked++;
    const { request } = query;
    const id = query.id ?? String(this.number);
    const unknown = undeclared([request.source, request.destination], this.pods);
    if (unknown !== undefined) {
      this.print(unknownAnswer(id, unknown));
      this.compare(query, 'unknown', id, `nothing declares ${unknown}`);
      return;
    }
    const verdict = this.engine.ask(request);
    this.print(answerText(id, verdict));
    this.compare(query, verdict.verdict, id, verdict.reason);
  }

  private compare({ expect }: CheckQuery, verdict: string, id: unknown, reason: string): void {
    if (expect === undefined) return;
    this.expected++;
    if (expect === verdict) return;
    this.failed++;
    this.io.stderr(`${this.file}:${this.number}: query ${String(id)} is ${verdict}, expected ${expect}: ${reason}\n`);
  }

  private print(answer: string): void {
    this.text += `${answer}\n`;
    if (this.text.length > CHUNK) this.flush();
  }

  flush(): void {
    if (this.text !== '') this.io.stdout(this.text);
    this.text = '';
  }

  summary(): string {
    if (this.expected === 0) return '';
    return `${this.expected - this.failed} of ${this.expected} expectations met\n`;
  }

  exitCode(): number {
    return this.bad > 0 ? 2 : this.failed > 0 ? 1 : 0;
  }
}

/**
 * `whydrop check --manifests DIR --queries FILE.jsonl [--at TIME] [-v] [--skip-invalid]`: one answer per query, in
 * their order. Exit code 0; 1 when an expectation is not met; 2 when the input cannot be used.
 */
export async function runCheck(args: string[], io: CheckIo): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { manifests, queries, at } = values;
  if (manifests === undefined || queries === undefined) {
    throw new UsageError('give both --manifests DIR and --queries FILE.jsonl');
  }
  const options = { at, verbose: values.verbose === true, skipInvalid: values['skip-invalid'] === true };
  const state = await loadState(manifests, options, io);
  if (!state) return 2;
  const run = new Run(state, createPolicyEngine(state), queries, io);
  for await (const line of linesOf(queries)) run.line(line);
  run.flush();
  io.stderr(run.summary());
  return run.exitCode();
}
