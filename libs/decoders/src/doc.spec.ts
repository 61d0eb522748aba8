import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FormatId } from './format.js';
import { FORMATS } from './format.js';
import { renderDecodersDoc } from './doc.js';
import { decodeStream } from './registry.js';
import { COVERED_SYSTEMS } from './systems.js';

const PAGE = path.join(import.meta.dirname, '../../../docs/decoders.md');

it('docs/decoders.md is what the registry says', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, renderDecodersDoc());
  expect(readFileSync(PAGE, 'utf8')).toBe(renderDecodersDoc());
});

it('every format serves a system', () => {
  const served = new Set(COVERED_SYSTEMS.flatMap((system) => system.formats));
  expect(FORMATS.filter((format) => !served.has(format))).toEqual([]);
});

it.each(COVERED_SYSTEMS.map((system) => [system.name, system] as const))(
  '%s is covered by captures that are understood',
  (_, system) => {
    expect(system.proof.length).toBeGreaterThan(0);
    for (const proof of system.proof) {
      const [format, name] = proof.split('/') as [FormatId, string];
      const file = path.join(import.meta.dirname, format, 'captures', name);
      expect([proof, existsSync(file)]).toEqual([proof, true]);
      const written = `${file}.context.json`;
      const context = existsSync(written) ? (JSON.parse(readFileSync(written, 'utf8')) as object) : {};
      const answers = [
        ...decodeStream(format, readFileSync(file, 'utf8'), {
          observedFrom: 1,
          observedTo: undefined,
          firstLine: 1,
          attributes: {},
          ...context,
        }),
      ];
      expect(answers.filter((answer) => answer.kind !== 'reject').length).toBeGreaterThan(0);
      expect(system.formats).toContain(format);
    }
  },
);
