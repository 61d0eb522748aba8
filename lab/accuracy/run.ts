import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ABILITIES } from '../src/intent/random-policies.js';
import { captureRandom } from './capture.js';
import { measure, merged } from './measure.js';
import type { Line } from './table.js';
import { missedTargets } from './targets.js';

export const DIALECTS: readonly string[] = Object.keys(ABILITIES);

export interface Request {
  readonly dialects: readonly string[];
  readonly seed: number;
  /** Per dialect. */
  readonly attempts: number;
  /** Attempts of one capture: another cluster is drawn for each. */
  readonly perCapture: number;
  readonly perRound: number;
  /** Dialects that are captured at the same time. */
  readonly sideBySide: number;
  /** Where captures stay, for looking into an answer; they go when it is not given. */
  readonly keep: string | undefined;
  readonly say: (text: string) => void;
}

export interface Result {
  readonly lines: readonly Line[];
  readonly missed: readonly string[];
  readonly wrong: readonly string[];
}

interface Part {
  readonly lines: readonly Line[];
  readonly doubts: readonly string[];
}

async function onePart(request: Request, dialect: string, seed: number, attempts: number): Promise<Part> {
  const { keep } = request;
  const folder =
    keep === undefined ? mkdtempSync(join(tmpdir(), 'whydrop-accuracy-')) : join(keep, `${dialect}-${seed}`);
  try {
    const captured = await captureRandom({ dialect, seed, attempts, perRound: request.perRound, folder });
    if (keep !== undefined) writeFileSync(join(folder, 'attempts.json'), JSON.stringify(captured));
    const dropped = captured.attempts.filter(({ stopped }) => stopped).length;
    request.say(`${dialect}, seed ${seed}: ${captured.attempts.length} attempts, ${dropped} were dropped`);
    const doubts = captured.attempts.flatMap(({ doubt }) => (doubt === undefined ? [] : [`${dialect}: ${doubt}`]));
    return { lines: measure(captured, seed), doubts };
  } finally {
    if (keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function oneDialect(request: Request, dialect: string): Promise<readonly Part[]> {
  const parts: Part[] = [];
  const first = request.seed * 1000 + DIALECTS.indexOf(dialect) * 100;
  for (let done = 0; done < request.attempts; done += request.perCapture) {
    const attempts = Math.min(request.perCapture, request.attempts - done);
    parts.push(await onePart(request, dialect, first + parts.length, attempts));
  }
  return parts;
}

/** Captures and measures; the same seed draws the same clusters, policies and attempts. */
export async function run(request: Request): Promise<Result> {
  const waiting = [...request.dialects];
  const parts = new Map<string, readonly Part[]>();
  const work = async () => {
    for (let dialect = waiting.shift(); dialect !== undefined; dialect = waiting.shift()) {
      parts.set(dialect, await oneDialect(request, dialect));
    }
  };
  await Promise.all(Array.from({ length: request.sideBySide }, work));
  const all = request.dialects.flatMap((dialect) => parts.get(dialect) ?? []);
  const lines = merged(all.flatMap((part) => part.lines));
  const doubts = all.flatMap((part) => part.doubts);
  const wrong = lines.flatMap(({ dialect, level, disorder, score }) =>
    score.wrong.map((text) => `${dialect}, ${level}, ${disorder}: ${text}`),
  );
  return { lines, missed: [...doubts, ...lines.flatMap(missedTargets)], wrong };
}
