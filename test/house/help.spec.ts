import { SPEC } from '../../apps/collector/src/options.js';
import { OPTIONS as ALERTS } from '../../apps/cli/src/alerts/command.js';
import { OPTIONS as CAPTURE } from '../../apps/cli/src/capture/command.js';
import { OPTIONS as CHECK } from '../../apps/cli/src/check/index.js';
import { OPTIONS as DROPS } from '../../apps/cli/src/drops/command.js';
import { OPTIONS as EXPLAIN } from '../../apps/cli/src/explain/command.js';
import { OPTIONS as OFFLINE } from '../../apps/cli/src/explain-offline/index.js';
import { OPTIONS as PACKET } from '../../apps/cli/src/explain-packet/index.js';
import { runWhydrop } from '../../apps/cli/test/run.js';
import { SERVER_OPTIONS } from '../../apps/cli/src/server/connect.js';
import { OPTIONS as TAIL } from '../../apps/cli/src/tail/command.js';
import { OPTIONS as TOKEN } from '../../apps/cli/src/token/command.js';
import { OPTIONS as TREND } from '../../apps/cli/src/trend/command.js';
import { UP_OPTIONS } from '../../apps/cli/src/up/command.js';
import { OPTIONS as DEMO } from '../../apps/cli/src/up/demo.js';
import type { Help } from '../../apps/cli/src/help/help.js';
import { HELP } from '../../apps/cli/src/help/texts.js';

type Accepted = Readonly<Record<string, { readonly type: string; readonly short?: string }>>;

const ACCEPTED: Readonly<Record<keyof typeof HELP, Accepted>> = {
  up: UP_OPTIONS,
  demo: DEMO,
  import: SERVER_OPTIONS,
  drops: DROPS,
  trend: TREND,
  tail: TAIL,
  explain: { ...OFFLINE, ...PACKET, ...EXPLAIN },
  alerts: ALERTS,
  check: CHECK,
  capture: CAPTURE,
  collector: SPEC,
  token: TOKEN,
};

/** `-v, --verbose` gives `-v` and `--verbose`. */
const words = (text: string) => text.match(/(?<![\w=-])--?[a-z][a-z-]*/g) ?? [];

const told = ({ options }: Help) => options.flatMap(([option]) => words(option));

function taken(accepted: Accepted): readonly string[] {
  return Object.entries(accepted).flatMap(([name, { short }]) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
}

describe.each(Object.entries(HELP))('whydrop %s --help', (name, help: Help) => {
  it('lists every option that the command takes, and no other', () => {
    const accepted = ACCEPTED[name as keyof typeof HELP];
    expect([...new Set(told(help))].toSorted()).toEqual(taken(accepted).toSorted());
  });

  it('shows only such options in its calls', () => {
    for (const word of help.usage.flatMap(words)) expect(told(help)).toContain(word);
  });

  it('fits a terminal of 120 columns, and is what `help NAME` says too', async () => {
    const { code, out, err } = await runWhydrop(name, '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    expect((await runWhydrop('help', name)).out).toBe(out);
  });
});

it('names every command, also for one that is not there', async () => {
  const { out } = await runWhydrop();
  for (const name of Object.keys(HELP)) expect(out).toContain(`\n  ${name} `);
  const { code, err } = await runWhydrop('imprt');
  expect(code).toBe(2);
  expect(err).toContain("there is no command 'imprt'");
  expect(err).toContain(out);
});

it.each([
  [['drops', '--sinc', '1h'], "whydrop drops: Unknown option '--sinc'; 'whydrop drops --help' lists what it takes\n"],
  [['drops', 'all'], "whydrop drops: Unexpected argument 'all'; 'whydrop drops --help' lists what it takes\n"],
  [
    ['check', '--manifests'],
    "whydrop check: Option '-m, --manifests <value>' argument missing; 'whydrop check --help' lists what it takes\n",
  ],
  [['drops', '--url', 'nonsense'], 'whydrop drops: --url nonsense: must be http:// or https://\n'],
  [['trend', '--step', 'soon'], 'whydrop trend: --step soon: write it as 90s, 5m, 1h or 7d\n'],
  [['trend', '--top', '0'], 'whydrop trend: --top 0: must be from 1 to 100\n'],
  [['trend', '--to', '2026-11-20T15:00:00Z'], 'whydrop trend: give --from too\n'],
  [['up', '--port', 'x'], 'whydrop up: --port x: is no port\n'],
  [['alerts', 'rules', 'check', '/nowhere'], 'whydrop alerts: /nowhere: there is no such file\n'],
])('%j is answered with the word at fault', async (argv, said) => {
  expect(await runWhydrop(...argv)).toEqual({ code: 2, out: '', err: said });
});
