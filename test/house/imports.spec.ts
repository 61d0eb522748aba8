import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { COMPOSITION, ROOMS, type Room } from './rooms.js';
import { filesBelow, isTest, ROOT } from './sources.js';

/** Modules of node that give the same answer every time. */
const HARMLESS = ['node:crypto', 'node:util', 'node:assert'];
/** What a pure room must not touch: environment, clock, chance, network, timers. */
const IMPURE = [
  'process',
  'console',
  'fetch',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'globalThis',
];
const IMPURE_CALLS = ['Date.now', 'Math.random', 'crypto.randomBytes', 'crypto.randomUUID'];

interface Source {
  readonly file: string;
  readonly imports: readonly string[];
  readonly uses: readonly string[];
}

function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return !ts.isPropertyAssignment(parent) && !ts.isPropertySignature(parent) && !ts.isPropertyDeclaration(parent);
}

/** Imports of a file, of types too, and the names of the outside world it uses. */
function read(file: string, text: string): Source {
  const imports: string[] = [];
  const uses: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      imports.push((node.moduleSpecifier as ts.StringLiteral).text);
    }
    if (ts.isImportTypeNode(node)) imports.push(node.argument.getText().slice(1, -1));
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) imports.push(argument.text);
    }
    if (ts.isPropertyAccessExpression(node) && IMPURE_CALLS.includes(node.getText())) uses.push(node.getText());
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
      uses.push('new Date()');
    if (ts.isIdentifier(node) && IMPURE.includes(node.text) && isUse(node)) uses.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return { file, imports, uses };
}

const roomOf = (file: string) => /^(?:apps|libs)\/[^/]+/.exec(file)?.[0];

function isBuiltin(name: string): boolean {
  return name.startsWith('node:') || builtinModules.includes(name);
}

function packageAllowed({ packages }: Room, name: string): boolean {
  return packages.some((entry) =>
    entry.endsWith('/') ? name.startsWith(entry) : name === entry || name.startsWith(`${entry}/`),
  );
}

const isComposition = (file: string) => COMPOSITION.folders.some((folder) => file.startsWith(folder));

function roomAllowed(file: string, own: string, room: Room, target: string | undefined): boolean {
  if (target === undefined || target === own || room.rooms.includes(target)) return true;
  return isComposition(file) && COMPOSITION.rooms.includes(target);
}

/** Why an import is not allowed; undefined when it is. */
function fault(file: string, name: string): string | undefined {
  const own = roomOf(file) ?? '';
  const room = ROOMS[own];
  if (!room) return `${own} is not in the table of rooms`;
  if (name.startsWith('.')) {
    const target = roomOf(path.posix.join(path.posix.dirname(file), name));
    if (target === own) return undefined;
    return roomAllowed(file, own, room, target) && isComposition(file) ? undefined : 'leaves its room by a path';
  }
  if (name.startsWith('@whydrop/')) {
    const target = `libs/${name.slice('@whydrop/'.length)}`;
    return roomAllowed(file, own, room, target) ? undefined : `${own} does not know ${target}`;
  }
  if (isBuiltin(name)) return room.pure && !HARMLESS.includes(name) ? `${own} is pure` : undefined;
  return packageAllowed(room, name) ? undefined : `${own} does not know this package`;
}

function faults({ file, imports, uses }: Source): readonly string[] {
  const impure = ROOMS[roomOf(file) ?? '']?.pure ? uses.map((use) => `${file}: ${use}: ${roomOf(file)} is pure`) : [];
  return [
    ...imports
      .map((name) => [name, fault(file, name)] as const)
      .flatMap(([name, why]) => (why ? `${file}: ${name}: ${why}` : [])),
    ...impure,
  ];
}

const isSource = (file: string) => /\.tsx?$/.test(file) && !isTest(file) && !file.includes('vite.config');
const sources = ['apps', 'libs'].flatMap((folder) => filesBelow(folder, isSource));

describe('the rooms of the house', () => {
  it('import only what is below them', () => {
    expect(sources.length).toBeGreaterThan(100);
    const found = sources.flatMap((file) => faults(read(file, readFileSync(path.join(ROOT, file), 'utf8'))));
    expect(found).toEqual([]);
  });

  it('are seen by tests through the same doors: a test leaves its room only by a name', () => {
    const tests = ['apps', 'libs'].flatMap((folder) =>
      filesBelow(folder, (file) => file.endsWith('.ts') && isTest(file)),
    );
    const found = tests.flatMap((file) => {
      const { imports } = read(file, readFileSync(path.join(ROOT, file), 'utf8'));
      const named = imports.filter((name) => /^\.{1,2}\//.test(name));
      const targets = named.map((name) => [name, roomOf(path.posix.join(path.posix.dirname(file), name))] as const);
      return targets
        .filter(([, target]) => target !== undefined && target !== roomOf(file))
        .map(([name]) => `${file}: ${name}`);
    });
    expect(found).toEqual([]);
  });

  it.each([
    ['libs/model/src/a.ts', `import { x } from '@whydrop/policy';`, 'libs/model does not know libs/policy'],
    ['libs/policy/src/a.ts', `import type { x } from '@whydrop/ruleset';`, 'libs/policy does not know libs/ruleset'],
    ['libs/policy/src/a.ts', `export { x } from '../../ruleset/src/index.js';`, 'leaves its room by a path'],
    ['libs/explain/src/a.ts', `import { readFileSync } from 'node:fs';`, 'libs/explain is pure'],
    ['libs/explain/src/a.ts', `import { readFileSync } from 'fs';`, 'libs/explain is pure'],
    ['libs/explain/src/a.ts', `const x = await import('@nestjs/common');`, 'libs/explain does not know this package'],
    ['libs/explain/src/a.ts', `type X = import('bullmq').Job;`, 'libs/explain does not know this package'],
    ['libs/explain/src/a.ts', `const x = Date.now();`, 'libs/explain is pure'],
    ['libs/explain/src/a.ts', `const x = new Date();`, 'libs/explain is pure'],
    ['libs/explain/src/a.ts', `const x = process.env['X'];`, 'libs/explain is pure'],
    ['libs/storage/src/a.ts', `import { openQueue } from '@whydrop/queue';`, 'libs/storage does not know libs/queue'],
    ['libs/storage/src/a.ts', `import { x } from '@whydrop/testing';`, 'libs/storage does not know libs/testing'],
    ['apps/api/src/a.ts', `import { Queue } from 'bullmq';`, 'apps/api does not know this package'],
    ['apps/api/src/a.ts', `import { PrismaClient } from '@prisma/client';`, 'apps/api does not know this package'],
    ['apps/api/src/a.ts', `import { x } from '../../worker/src/start.js';`, 'leaves its room by a path'],
    ['apps/cli/src/drops/a.ts', `import { x } from '../../../api/src/start.js';`, 'leaves its room by a path'],
    ['libs/new/src/a.ts', `import { x } from '@whydrop/model';`, 'libs/new is not in the table of rooms'],
  ])('%s: %s is refused', (file, text, why) => {
    expect(faults(read(file, text)).join('\n')).toContain(why);
  });

  it.each([
    ['libs/explain/src/a.ts', `import { x } from '@whydrop/policy'; import { createHash } from 'node:crypto';`],
    [
      'libs/explain/src/a.ts',
      `const x = new Date(17); interface Y { readonly process: string } const y = row.process;`,
    ],
    ['apps/cli/src/up/a.ts', `import { x } from '../../../api/src/start.js';`],
    ['apps/worker/src/a.ts', `import { x } from '@whydrop/queue'; import { Module } from '@nestjs/common';`],
  ])('%s: %s is fine', (file, text) => {
    expect(faults(read(file, text))).toEqual([]);
  });
});
