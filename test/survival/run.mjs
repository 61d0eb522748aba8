// `npm run test:survival`: the harness is compiled beside the built program and run there.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SOURCES = path.join(ROOT, 'test/survival');
const BUILT = path.join(ROOT, 'dist/test/survival');

mkdirSync(BUILT, { recursive: true });
for (const name of readdirSync(SOURCES).filter((file) => file.endsWith('.ts') && !file.endsWith('spec.ts'))) {
  const { code } = transformSync(readFileSync(path.join(SOURCES, name), 'utf8'), {
    filename: name,
    swcrc: false,
    module: { type: 'es6' },
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
  });
  writeFileSync(path.join(BUILT, name.replace(/\.ts$/, '.js')), code);
}
const { main } = await import(pathToFileURL(path.join(BUILT, 'main.js')).href);
process.exit(await main(process.argv.slice(2)));
