import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ABILITIES } from '../src/intent/random-policies.js';
import { type Captured, captureRandom } from './capture.js';
import { measure, measureStored, merged } from './measure.js';
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
  /** Where captures stay, and are found again, for looking into an answer; they go when it is not given. */
  readonly keep: string | undefined;
  /** Dialects of which one capture also goes through the database. */
  readonly stored: readonly string[];
  readonly say: (text: string) => void;
}

export interface Result {
  readonly lines: readonly Line[];
  readonly missed: readonly string[];
  readonly wrong: readonly string[];
}

interface Made {
  readonly captured: Captured;
  readonly seed: number;
}

async function captureOne(
  request: Request,
  root: string,
  dialect: string,
  seed: number,
  attempts: number,
): Promise<Made> {
  const folder = join(root, `${dialect}-${seed}`);
  const known = join(folder, 'attempts.json');
  const captured = existsSync(known)
    ? (JSON.parse(readFileSync(known, 'utf8')) as Captured)
    : await captureRandom({ dialect, seed, attempts, perRound: request.perRound, folder });
  writeFileSync(known, JSON.stringify(captured));
  const dropped = captured.attempts.filter(({ stopped }) => stopped).length;
  request.say(`${dialect}, seed ${seed}: ${captured.attempts.length} attempts, ${dropped} were dropped`);
  return { captured, seed };
}

async function captureDialect(request: Request, root: string, dialect: string): Promise<readonly Made[]> {
  const made: Made[] = [];
  const first = request.seed * 1000 + DIALECTS.indexOf(dialect) * 100;
  for (let done = 0; done < request.attempts; done += request.perCapture) {
    const attempts = Math.min(request.perCapture, request.attempts - done);
    made.push(await captureOne(request, root, dialect, first + made.length, attempts));
  }
  return made;
}

/** Nothing is worked out while captures run: records are stamped when they are read. */
async function captureAll(request: Request, root: string): Promise<readonly Made[]> {
  const waiting = [...request.dialects];
  const made = new Map<string, readonly Made[]>();
  const work = async () => {
    for (let dialect = waiting.shift(); dialect !== undefined; dialect = waiting.shift()) {
      made.set(dialect, await captureDialect(request, root, dialect));
    }
  };
  await Promise.all(Array.from({ length: request.sideBySide }, work));
  return request.dialects.flatMap((dialect) => made.get(dialect) ?? []);
}

async function storedSample({ stored }: Request, all: readonly Made[]): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const dialect of stored) {
    const first = all.find(({ captured }) => captured.dialect === dialect);
    if (first) lines.push(await measureStored(first.captured, first.seed));
  }
  return lines;
}

/** Captures and measures; the same seed draws the same clusters, policies and attempts. */
export async function run(request: Request): Promise<Result> {
  const root = request.keep ?? mkdtempSync(join(tmpdir(), 'whydrop-accuracy-'));
  try {
    const all = await captureAll(request, root);
    const looked = all.flatMap(({ captured, seed }) => measure(captured, seed));
    const lines = merged([...looked, ...(await storedSample(request, all))]);
    const doubts = all.flatMap(({ captured }) =>
      captured.attempts.flatMap(({ doubt }) => (doubt === undefined ? [] : [`${captured.dialect}: ${doubt}`])),
    );
    const wrong = lines.flatMap(({ dialect, level, disorder, score }) =>
      score.wrong.map((text) => `${dialect}, ${level}, ${disorder}: ${text}`),
    );
    return { lines, missed: [...doubts, ...lines.flatMap(missedTargets)], wrong };
  } finally {
    if (request.keep === undefined) rmSync(root, { recursive: true, force: true });
  }
}
