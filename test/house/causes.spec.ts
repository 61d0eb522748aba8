import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Cause, CAUSES } from '@whydrop/model';
import { CAUSE_CASES } from '../../libs/explain/src/cause-cases.js';

const PAGE = path.resolve(import.meta.dirname, '../../docs/causes.md');
const HEAD = `# Causes

Why a connection failed: the closed list that answers are made of, written from \`libs/model/src/cause.ts\` (\`UPDATE_DOCS=1\` writes it
anew). A drop is blamed on a policy only with evidence; everything else here is an answer in its own right. The stories stand as
cases in \`libs/explain/src/cause-cases-*.ts\`, with the lines that the nodes printed.

| Code | Meaning | So it is when | And not when |
|---|---|---|---|
`;

function stories(code: Cause, near: boolean): string {
  const own = CAUSE_CASES.filter((one) => one.code === code && (one.near ?? false) === near);
  return own.map(({ story }) => story).join('; or ');
}

it('docs/causes.md lists every cause', () => {
  const rows = Object.entries(CAUSES).map(
    ([code, meaning]) =>
      `| \`${code}\` | ${meaning} | ${stories(code as Cause, false)} | ${stories(code as Cause, true)} |\n`,
  );
  const page = HEAD + rows.join('');
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
