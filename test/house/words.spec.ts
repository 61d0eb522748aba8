import { readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, isTest, ROOT } from './sources.js';

interface Rule {
  readonly why: string;
  readonly pattern: RegExp;
  readonly applies: (file: string) => boolean;
}

const TEXT =
  /(^|\/)(Dockerfile|LICENSE|run|whydrop|\.[a-z]+rc|[^/]+\.(ts|tsx|mjs|cjs|js|json|jsonl|md|ya?ml|sql|prisma|html|css|sh|toml|txt|graphql|gql))$/;
const isScript = (file: string) => /\.(ts|tsx|mjs|cjs)$/.test(file);
const isOurs = (file: string) => file !== 'test/house/words.spec.ts' && !/\/captures\//.test(file);
const isRoom = (file: string) => isScript(file) && /^(apps|libs)\//.test(file) && isOurs(file);

const RULES: readonly Rule[] = [
  {
    why: 'a path of one machine',
    pattern: /(?<![\w.:/-])\/(work|root|home\/\w+|Users\/\w+)\/[\w.-]+/,
    applies: isOurs,
  },
  { why: 'something outside the repository', pattern: /\.\.\/shared\b/, applies: isOurs },
  {
    why: 'a registry by name: npm knows its own',
    pattern: /"resolved": "http|^registry\s*=|registry\.(npmjs|yarnpkg)/m,
    applies: isOurs,
  },
  { why: 'unfinished', pattern: /\b(TODO|FIXME|XXX|HACK)\b/, applies: (file) => isScript(file) && isOurs(file) },
  {
    why: 'a test that does not run',
    pattern: /\b(it|test|describe)\.(skip|only|todo|failing)\b|\bx(it|describe)\(/,
    applies: (file) => isTest(file) && isOurs(file),
  },
  {
    why: 'the type checker was silenced',
    pattern: /@ts-(ignore|nocheck|expect-error)/,
    applies: (file) => isScript(file) && isOurs(file),
  },
  { why: 'a circle between modules', pattern: /\bforwardRef\b/, applies: isRoom },
  {
    why: 'a default export',
    pattern: /^export default\b/m,
    applies: (file) => isRoom(file) && !/vite\.config/.test(file),
  },
];

const files = filesBelow('.', (file) => TEXT.test(file));

describe('words that have no place here', () => {
  it.each(RULES)('$why', ({ pattern, applies }) => {
    const found = files.filter(applies).flatMap((file) => {
      const hit = pattern.exec(readFileSync(path.join(ROOT, file), 'utf8'));
      return hit ? [`${file}: ${hit[0]}`] : [];
    });
    expect(found).toEqual([]);
  });

  it('files are looked at, and named after what they hold', () => {
    expect(files).toEqual(
      expect.arrayContaining(['package-lock.json', 'tools/test.mjs', 'libs/model/src/index.ts', '.npmrc']),
    );
    expect(files.filter((file) => /(^|\/)(common|utils?|helpers?|misc)(\/|\.)/.test(file))).toEqual([]);
  });
});
