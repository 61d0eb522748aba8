/**
 * Damaged input for every decoder: pieces of the captures, cut, doubled, spliced and sprinkled with bytes that scanners
 * stumble over. Every input follows from its seed alone. A throw, an answer that is no answer, or more than LIMIT_MS
 * of time is a finding: its seed is printed; put it into SEEDS when it is mended, so that it is tried first from then on.
 *
 * Build (`npx nest build --all`), then `node dist/bench/fuzz.js [count] [first seed]` in the project folder.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeStream, FORMATS } from '@whydrop/decoders';
import type { FormatId, StreamContext } from '@whydrop/decoders';

const COUNT = Number(process.argv[2] ?? 1_000_000);
const FIRST = Number(process.argv[3] ?? 1);
const LIMIT_MS = 500;
/** Inputs of a seed are at most about this long; a window of a capture. */
const WINDOW = 1500;

/** Seeds that once were findings. */
const SEEDS: readonly number[] = [
  82_925, // a Prometheus time stamp beyond what an instant holds
];

const CORNERS = [
  '[',
  ']',
  '{',
  '}',
  '(',
  ')',
  '"',
  "'",
  '\\',
  '=',
  ',',
  ':',
  ';',
  '|',
  '<',
  '>',
  '/',
  '-',
  '--',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  ' OUT=',
  'IN=',
  'src=',
  ' -j ',
  '-A ',
  'COMMIT',
  '0',
  '-1',
  '65536',
  '99999999999999999999',
  '1e999',
  'NaN',
  '0x',
  '::',
  '10.0.0.1',
  'null',
  '[]',
  '{}',
  '&a ',
  '*a',
  '!!',
  '---\n',
  '%',
  '\u2028',
  '\u{1F600}',
  '\uD800',
  '__proto__',
  'constructor',
  '(Gen:',
  '<flow',
  'EVENT ',
];

/** A small generator with 32 bits of state: the same numbers from the same seed, everywhere. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Capture {
  readonly format: FormatId;
  readonly text: string;
  readonly attributes: Readonly<Record<string, string>>;
}

function captures(): Capture[] {
  const root = path.join(process.cwd(), 'libs/decoders/src');
  return FORMATS.flatMap((format) => {
    const folder = path.join(root, format, 'captures');
    const names = readdirSync(folder).filter((name) => !/\.(golden|context)\.json$/.test(name));
    return names.map((name) => ({
      format,
      text: readFileSync(path.join(folder, name), 'utf8'),
      attributes: attributesOf(folder, name),
    }));
  });
}

function attributesOf(folder: string, name: string): Record<string, string> {
  try {
    const written = JSON.parse(readFileSync(path.join(folder, `${name}.context.json`), 'utf8')) as {
      attributes?: Record<string, string>;
    };
    return written.attributes ?? {};
  } catch {
    return {};
  }
}

/** One damage to the text. */
function damaged(text: string, random: () => number, other: string): string {
  const at = Math.floor(random() * (text.length + 1));
  const length = Math.floor(random() ** 3 * 60);
  switch (Math.floor(random() * 8)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at) + (CORNERS[Math.floor(random() * CORNERS.length)] ?? '') + text.slice(at);
    case 2:
      return text.slice(0, at + length) + text.slice(at);
    case 3:
      return (
        text.slice(0, at) +
        String.fromCharCode(Math.floor(random() * (random() < 0.8 ? 128 : 65_536))) +
        text.slice(at + 1)
      );
    case 4:
      return text.slice(0, at);
    case 5:
      return text.slice(at);
    case 6: {
      const from = Math.floor(random() * other.length);
      return text.slice(0, at) + other.slice(from, from + length) + text.slice(at + length);
    }
    default:
      return (
        text.slice(0, at) + (CORNERS[Math.floor(random() * CORNERS.length)] ?? '').repeat(1 + length) + text.slice(at)
      );
  }
}

interface Input {
  readonly format: FormatId;
  readonly payload: string;
  readonly context: StreamContext;
}

function inputOf(seed: number, corpus: readonly Capture[]): Input {
  const random = mulberry(seed);
  const pick = (): Capture => corpus[Math.floor(random() * corpus.length)] as Capture;
  const capture = pick();
  const start = random() < 0.3 ? 0 : capture.text.lastIndexOf('\n', Math.floor(random() * capture.text.length)) + 1;
  let payload = capture.text.slice(start, start + Math.floor(random() * WINDOW));
  for (let i = 1 + Math.floor(random() * 5); i > 0; i--) payload = damaged(payload, random, pick().text);
  const timed = random() < 0.8;
  return {
    format: random() < 0.9 ? capture.format : (FORMATS[Math.floor(random() * FORMATS.length)] as FormatId),
    payload,
    context: {
      observedFrom: timed ? 1_795_214_400_000_000 : undefined,
      observedTo: undefined,
      firstLine: 1,
      attributes:
        random() < 0.8
          ? capture.attributes
          : {
              year: payload.slice(0, 4),
              timezone: payload.slice(0, 9),
              bootTime: payload.slice(0, 9),
              mapping: payload,
            },
    },
  };
}

/** What is wrong with the answers, or undefined. */
function wrongWith(input: Input): string | undefined {
  const before = performance.now();
  try {
    for (const answer of decodeStream(input.format, input.payload, input.context)) {
      if (typeof answer.kind !== 'string') return 'an answer without kind';
      if (answer.kind === 'reject' && (answer.raw.length > 4096 || answer.line < 1 || answer.detail === ''))
        return 'a reject that is none';
      if ('observedAt' in answer && answer.observedAt !== undefined && !Number.isSafeInteger(answer.observedAt))
        return 'a time that is no instant';
    }
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const used = performance.now() - before;
  return used > LIMIT_MS ? `${used.toFixed(0)} ms for ${input.payload.length} characters` : undefined;
}

const corpus = captures();
const began = performance.now();
let findings = 0;
let characters = 0;

function attempt(seed: number): void {
  const input = inputOf(seed, corpus);
  characters += input.payload.length;
  const wrong = wrongWith(input);
  if (wrong === undefined) return;
  findings++;
  if (findings <= 20)
    console.log(`seed ${seed} (${input.format}): ${wrong}\n  ${JSON.stringify(input.payload.slice(0, 300))}`);
}

for (const seed of SEEDS) attempt(seed);
for (let i = 0; i < COUNT; i++) attempt((FIRST + i) >>> 0);
const seconds = (performance.now() - began) / 1000;
console.log(
  `${COUNT.toLocaleString('en-US')} inputs of ${FORMATS.length} formats, ${(characters / 1e6).toFixed(0)} MB, ${seconds.toFixed(0)} s, ` +
    `${findings} findings, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB resident`,
);
process.exitCode = findings === 0 ? 0 : 1;
