import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Cause, CAUSES } from '@whydrop/model';
import { CAUSE_CASES } from '../../libs/explain/src/cause-cases.js';

const PAGE = path.resolve(import.meta.dirname, '../../docs/causes.md');
const SCENARIOS = path.resolve(import.meta.dirname, '../scenarios');
const HEAD = `# Causes

Why a connection failed: the closed list that answers are made of, written from \`libs/model/src/cause.ts\` (\`UPDATE_DOCS=1\` writes it
anew). A drop is blamed on a policy only with evidence; everything else here is an answer in its own right. The stories stand as
cases in \`libs/explain/src/cause-cases-*.ts\`, with the lines that the nodes printed. The last column names the captures of a real
kernel (\`test/scenarios\`, recorded by \`lab/\`) whose answers tell the cause, or says why there is none.

| Code | Meaning | So it is when | And not when | Seen on a real kernel in |
|---|---|---|---|---|
`;

/** Why a code has no capture. Each stands here until it has one: a code with a capture must not. */
const NOT_CAPTURED: Readonly<Partial<Record<Cause, string>>> = {
  CT_TABLE_FULL:
    'nothing: nf_conntrack_max belongs to the whole host, and the lab changes nothing outside its namespaces',
  NODE_TO_POD: 'nothing: no plugin that the lab rebuilds judges what a node sends to its own pods',
  MTU: 'nothing: conntrack calls the ICMP error RELATED, which no plugin that the lab rebuilds judges by its policies',
  NIC_QDISC_SOFTNET: 'nothing: the lab’s interfaces have no queue that overflows',
  MESH_L7: 'nothing: the lab has no mesh, and a kernel sees no more than a connection that stood',
  AGENT_RESTART_FLUSH: 'nothing: the lab writes the rules itself, there is no enforcer that could restart',
  UNDECIDED: 'nothing: it is no cause',
};

/** The most captures that a row names. */
const NAMED = 3;

function stories(code: Cause, near: boolean): string {
  const own = CAUSE_CASES.filter((one) => one.code === code && (one.near ?? false) === near);
  return own.map(({ story }) => story).join('; or ');
}

/** Captures that a kernel's trace stands beside, with the answers to them. */
const CAPTURES = readdirSync(SCENARIOS)
  .filter((name) => existsSync(path.join(SCENARIOS, name, 'truth.jsonl')))
  .map((name) => [name, readFileSync(path.join(SCENARIOS, name, 'expected.txt'), 'utf8')] as const);

/** Captures in whose answers a code is the cause, or explains the surprise. */
function capturesOf(code: Cause): readonly string[] {
  const told = new RegExp(`^[A-Z]+ ${code} \\(|[.;] ${code}: `, 'm');
  return CAPTURES.filter(([, answers]) => told.test(answers)).map(([name]) => name);
}

function seenIn(code: Cause): string {
  const names = capturesOf(code).toSorted((a, b) => Number(b.startsWith('causes-')) - Number(a.startsWith('causes-')));
  const more = names.length > NAMED ? `, ${names.length - NAMED} more` : '';
  return names.length > 0 ? names.slice(0, NAMED).join(', ') + more : (NOT_CAPTURED[code] ?? '');
}

it('docs/causes.md lists every cause', () => {
  const rows = Object.entries(CAUSES).map(([name, meaning]) => {
    const code = name as Cause;
    return `| \`${code}\` | ${meaning} | ${stories(code, false)} | ${stories(code, true)} | ${seenIn(code)} |\n`;
  });
  const page = HEAD + rows.join('');
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});

it('every cause has a capture of a real kernel, or a reason why it has none', () => {
  const codes = Object.keys(CAUSES) as Cause[];
  const without = codes.filter((code) => capturesOf(code).length === 0);
  expect(without).toEqual(codes.filter((code) => NOT_CAPTURED[code] !== undefined));
});

/** What stands in the truth is the author's word for a cause: the answers to the same capture have to tell it. */
it.each(CAPTURES.filter(([name]) => name.startsWith('causes-')))(
  '%s: every cause that its story makes is told',
  (name, answers) => {
    const lines = readFileSync(path.join(SCENARIOS, name, 'truth.jsonl'), 'utf8')
      .split('\n')
      .filter(Boolean);
    const causes = new Set(lines.map((line) => (JSON.parse(line) as { cause: string | null }).cause));
    const missing = [...causes].filter((cause) => cause !== null && !answers.includes(` ${cause} (`));
    expect(missing).toEqual([]);
  },
);
