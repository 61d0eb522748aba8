import { readFileSync } from 'node:fs';
import type { Result } from './run.js';
import { tableOf } from './table.js';

export interface Facts {
  readonly seed: number;
  readonly attempts: number;
  readonly day: string;
}

const LATE =
  '| `late`     | one capture per dialect through the database: hundreds of batches in any order, a tenth twice, correlated in between |\n';

/** docs/accuracy.md: what was measured, and how to read it. */
export function documentOf(result: Result, { seed, attempts, day }: Facts): string {
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim().replace(/-.*$/, '');
  const verdict =
    result.missed.length === 0
      ? 'All targets below were reached.'
      : `These targets were missed:\n\n${result.missed.map((text) => `- ${text}`).join('\n')}`;
  return `# Accuracy: what is told, against what the kernel did

    npm run lab:accuracy -- --seed ${seed} --attempts ${attempts} --write

Measured on ${day}, Linux ${kernel}, ${attempts} attempts per dialect. This page is written by the command. ${verdict}

Random clusters (three nodes, six to nine pods, services, policies that change every 60 attempts) are programmed into a
real kernel as each plugin does it, and pods, nodes and a machine outside try TCP, UDP and echoes: on one node and across
nodes, through services and node ports, to closed ports and to services without endpoints. What became of an attempt is
known from its client and from the kernel's trace of every packet; why, from the policies that the lab had programmed,
read by an evaluator of its own. The product sees the capture with channels left out:

| Evidence   | What the nodes recorded                                                                              |
| ---------- | ---------------------------------------------------------------------------------------------------- |
| \`trace\`    | everything, with the kernel's trace                                                                  |
| \`log\`      | without the trace: the plugin's own packet log, where it has one, counters, conntrack                |
| \`counters\` | neither trace nor log: rule counters, sets, conntrack, objects                                       |
| \`policies\` | conntrack and objects only                                                                           |

| Disorder   | What went wrong                                                                                      |
| ---------- | ---------------------------------------------------------------------------------------------------- |
| \`shuffled\` | records come in any order, a tenth of them twice                                                     |
${result.lines.some(({ disorder }) => disorder === 'late') ? LATE : ''}| \`skewed\`   | the clock of one node is off by one to two seconds, each node in turn; nothing tells the product      |
| \`missing\`  | nothing comes from one node, each node in turn                                                       |

\`skewed\` and \`missing\` look at each capture three times, so their numbers are three times as large. Each attempt has a
source port of its own: two on the same ports within seconds are told apart by sequence numbers only.

**Targets.** With trace, and with a log that has no limit (calico-current, plain): 100 % recall, precision, cause, policy
and rule. Everywhere: nothing invented, no wrong answer, every dropped packet told or counted, and UNDECIDED names what is
missing.

**Columns.** Dropped: attempts that a rule stopped, also with a reject. Told: drops in the answers. Recall: told of
dropped. Precision: real of told. Cause (with its direction), policy (all that isolate, or the one that denies) and rule
are right of those told with one. Packets: those that rules dropped, by the trace. Counted only: packets that a rule
counted and that no told drop has: a drop on the client's own node leaves nothing else. Unaccounted: neither told nor
counted. Wrong: answers of any kind (also "failed") that are not what happened. Rules are not asked for where no evidence
can name one. \`policies\` cannot tell a drop from a reject, and has no counters.

A rate-limited log (kube-router: ten a minute) or one that shows only connects (Weave) leaves drops that are only counted.

${tableOf(result.lines)}
`;
}
