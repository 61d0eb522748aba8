import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { ROOMS } from './rooms.js';
import { filesBelow, isTest, ROOT } from './sources.js';

const PURE = Object.entries(ROOMS).flatMap(([room, { pure }]) => (pure ? [room] : []));

const isExported = (node: ts.Statement) =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** `function`, `class`, or a constant that holds an arrow function. */
function isCode(node: ts.Statement): boolean {
  if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return true;
  if (!ts.isVariableStatement(node)) return false;
  return node.declarationList.declarations.some(({ initializer }) => initializer && ts.isArrowFunction(initializer));
}

/** Exported functions and classes of a file without a sentence in front of them. */
function silent(file: string, text: string): readonly string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return source.statements
    .filter((node) => isExported(node) && isCode(node) && ts.getJSDocCommentsAndTags(node).length === 0)
    .map((node) => `${file}: ${text.slice(node.getStart()).split('\n')[0]}`);
}

describe('exports of the pure rooms', () => {
  it.each(PURE)('%s: every function says what it gives', (room) => {
    const files = filesBelow(room, (file) => file.endsWith('.ts') && !isTest(file));
    expect(files.flatMap((file) => silent(file, readFileSync(path.join(ROOT, file), 'utf8')))).toEqual([]);
  });

  it('is seen when one does not', () => {
    expect(silent('a.ts', 'export function x() {}\n/** Y. */\nexport const y = () => 1;\nexport const z = 1;')).toEqual(
      ['a.ts: export function x() {}'],
    );
  });
});
