import type { ChangeAnswer, DropAnswer, PolicyName, RuleAnswer } from '../drops/query.js';

function policyText({ kind, namespace, name }: PolicyName): string {
  return `${kind} ${namespace === null ? name : `${namespace}/${name}`}`;
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `\n${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function ruleLines(rule: RuleAnswer | null): readonly string[] {
  if (!rule) return [];
  const { owner } = rule;
  const workload = owner?.workload ? ` of ${owner.workload.namespace}/${owner.workload.name}` : '';
  const written = owner ? [`written by ${owner.plugin}: ${owner.role}${workload}`] : [];
  return [`${rule.node} ${rule.table}, chain ${rule.chain}, rule ${rule.position}`, rule.text, ...written];
}

function policyLines(drop: DropAnswer): readonly string[] {
  return drop.explanation.policies.map((policy) => {
    const version = policy.resourceVersion === null ? '' : ` (resourceVersion ${policy.resourceVersion})`;
    return `${policy.part.toLowerCase()}: ${policyText(policy)}${version}`;
  });
}

function missLines(drop: DropAnswer): readonly string[] {
  return drop.explanation.misses.flatMap(({ policy, path, failed }) => [
    `${policyText(policy)} ${path}`,
    ...failed.map((criterion) => `    ${criterion.field}: wants ${criterion.wanted}, has ${criterion.got}`),
  ]);
}

function evidenceLines(drop: DropAnswer): readonly string[] {
  return drop.evidence.flatMap(({ channel, node, observedAt, shows, raw }) => [
    `${observedAt} ${node ?? ''} ${channel.toLowerCase()}: ${shows}`,
    ...(raw === null ? [] : [`    ${raw}`]),
  ]);
}

function fixLines({ explanation: { fix } }: DropAnswer): readonly string[] {
  return fix.flatMap(({ sentence, patch }) => [
    sentence,
    ...patch
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ]);
}

function changeLines(changes: readonly ChangeAnswer[]): readonly string[] {
  return changes.map(({ at, sentence }) => `${at} ${sentence}`);
}

/** Everything about one drop, as a person reads it. */
export function explainText(drop: DropAnswer): string {
  const { explanation } = drop;
  const facts = `${drop.verdict.toLowerCase()}, ${drop.cause}, basis ${drop.basis.toLowerCase()}, ${drop.attempts} attempt, ${drop.packets} packets`;
  return [
    `${drop.sentence}\n\n${drop.key}  ${drop.firstSeenAt} to ${drop.lastSeenAt}\n${facts}\n`,
    section('Policies', policyLines(drop)),
    section('Rules that did not admit it, nearest first', missLines(drop)),
    section('Chain rule', ruleLines(explanation.chainRule)),
    section('Sent there by', ruleLines(explanation.via)),
    section('Contributing', explanation.contributing),
    section(
      'Findings',
      explanation.findings.map(({ code, sentence }) => `${code}: ${sentence}`),
    ),
    section(explanation.fix.length > 1 ? 'Fix (all of these are needed)' : 'Fix', fixLines(drop)),
    section('Changed just before the first of these drops', changeLines(drop.changes)),
    section('Changed since', changeLines(drop.changedSince ?? [])),
    section('Evidence', evidenceLines(drop)),
    section('Assumed', explanation.assumptions),
    section('Not known', explanation.missing),
  ].join('');
}
