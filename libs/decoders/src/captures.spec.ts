import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FORMATS } from './format.js';
import type { StreamContext } from './decoder.js';
import { decoders, decodeStream } from './registry.js';

const HERE = import.meta.dirname;
const REWRITE = process.env['UPDATE_GOLDEN'] === '1';
const DEFAULTS: StreamContext = {
  observedFrom: 1_795_214_400_000_000,
  observedTo: undefined,
  firstLine: 1,
  attributes: {},
};

function capturesOf(format: string): string[] {
  const folder = path.join(HERE, format, 'captures');
  return existsSync(folder) ? readdirSync(folder).filter((name) => !/\.(golden|context)\.json$/.test(name)) : [];
}

function contextOf(file: string): StreamContext {
  const written = `${file}.context.json`;
  return existsSync(written) ? { ...DEFAULTS, ...(JSON.parse(readFileSync(written, 'utf8')) as object) } : DEFAULTS;
}

/** One observation per line, so that a change shows as the lines it touches. */
function render(values: Iterable<unknown>): string {
  const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
  return `[\n${[...values].map((value) => JSON.stringify(value, plain)).join(',\n')}\n]\n`;
}

describe.each(FORMATS)('%s', (format) => {
  it('has a decoder with a doc line, and at least one capture', () => {
    const decoder = decoders.find((candidate) => candidate.format === format);
    expect(decoder?.doc.length).toBeGreaterThan(20);
    expect(decoder?.doc).not.toContain('\n');
    expect(capturesOf(format)).not.toEqual([]);
  });

  it.each(capturesOf(format))('reads %s', (name) => {
    const file = path.join(HERE, format, 'captures', name);
    const rendered = render(decodeStream(format, readFileSync(file, 'utf8'), contextOf(file)));
    if (REWRITE) writeFileSync(`${file}.golden.json`, rendered);
    expect(rendered).toBe(readFileSync(`${file}.golden.json`, 'utf8'));
  });
});

it('has one decoder per format and no other', () => {
  expect(decoders.map((decoder) => decoder.format)).toEqual([...FORMATS]);
});
