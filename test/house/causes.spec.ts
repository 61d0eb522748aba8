import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CAUSES } from '@whydrop/model';

const PAGE = path.resolve(import.meta.dirname, '../../docs/causes.md');
const HEAD = `# Causes

Why a connection failed: the closed list that answers are made of, written from \`libs/model/src/cause.ts\` (\`UPDATE_DOCS=1\` writes it
anew). A drop is blamed on a policy only with evidence; everything else here is an answer in its own right.

| Code | Meaning |
|---|---|
`;

it('docs/causes.md lists every cause', () => {
  const rows = Object.entries(CAUSES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |\n`);
  const page = HEAD + rows.join('');
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
