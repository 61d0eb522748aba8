import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { REJECT_REASONS } from '@whydrop/model';
import fc from 'fast-check';
import type { StreamContext } from './decoder.js';
import { FORMATS } from './format.js';
import type { FormatId } from './format.js';
import { decodeStream } from './registry.js';

const CONTEXT: StreamContext = {
  observedFrom: 1_795_214_400_000_000,
  observedTo: undefined,
  firstLine: 7,
  attributes: {},
};
/** Pieces that drive scanners into their corners. */
const CORNERS = [
  '[',
  ']',
  '"',
  '\\',
  ' OUT=',
  'IN=',
  'src=',
  '=',
  ',',
  ':',
  '(',
  '{',
  '- ',
  '\n',
  '\t',
  '-A ',
  '*a\n',
  '0',
  '<',
  '&a ',
  'a: ',
];

function captured(format: FormatId): string[] {
  const folder = path.join(import.meta.dirname, format, 'captures');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !/\.(golden|context)\.json$/.test(name));
  return names.map((name) => readFileSync(path.join(folder, name), 'utf8'));
}

/** Decodes and checks what every answer must be, whatever went in. */
function checkAnswers(format: FormatId, payload: string, context: StreamContext): number {
  let count = 0;
  for (const answer of decodeStream(format, payload, context)) {
    count++;
    expect(typeof answer.kind).toBe('string');
    if (answer.kind !== 'reject') continue;
    expect(REJECT_REASONS).toHaveProperty(answer.reason);
    expect(answer.line).toBeGreaterThanOrEqual(context.firstLine);
    expect(answer.raw.length).toBeLessThanOrEqual(4096);
    expect(answer.detail).toMatch(/\S.*\.$|…$/s);
  }
  return count;
}

describe.each(FORMATS)('%s', (format) => {
  const samples = captured(format);

  it('answers any text without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.boolean(), (text, timed) => {
        checkAnswers(format, text, timed ? CONTEXT : { ...CONTEXT, observedFrom: undefined });
      }),
      { numRuns: 300 },
    );
  });

  it('answers damaged captures without throwing', () => {
    const damage = fc.record({
      sample: fc.constantFrom(...samples),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(40),
      insert: fc.oneof(fc.constantFrom(...CORNERS), fc.string({ maxLength: 10 })),
    });
    fc.assert(
      fc.property(damage, ({ sample, at, length, insert }) => {
        const window = Math.max(0, Math.min(sample.length - 6000, Math.floor(at * sample.length) - 3000));
        const piece = sample.slice(window, window + 6000);
        const cut = Math.floor(at * piece.length);
        checkAnswers(format, piece.slice(0, cut) + insert + piece.slice(cut + length), CONTEXT);
      }),
      { numRuns: 200 },
    );
  });

  it('needs time in proportion to the input', () => {
    for (const corner of CORNERS) {
      const before = process.cpuUsage();
      let answers = 0;
      for (const answer of decodeStream(format, corner.repeat(Math.floor(60_000 / corner.length)), CONTEXT)) {
        answers += answer.kind === 'reject' ? 1 : 0;
      }
      expect(answers).toBeLessThanOrEqual(60_000);
      const used = process.cpuUsage(before);
      expect({ corner, fast: used.user + used.system < 1_500_000 }).toEqual({ corner, fast: true });
    }
  });

  it('says the same for a payload with CR LF', () => {
    const lines = samples[0] ?? '';
    if (format === 'kubernetes-objects' || lines.length > 200_000) return;
    const withoutRaw = (payload: string): string =>
      JSON.stringify([...decodeStream(format, payload, CONTEXT)], (key, value: unknown) =>
        key === 'raw' ? undefined : typeof value === 'bigint' ? `${value}` : value,
      );
    expect(withoutRaw(lines.replaceAll('\n', '\r\n'))).toBe(withoutRaw(lines));
  });
});
