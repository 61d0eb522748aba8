/**
 * Spike detection on labelled series of every kind: recall, precision, false alarms per series and day, delay; in the same run
 * fixed thresholds and the PromQL rule for a counter that rises fast. Prints the tables of docs/alerting.md.
 * Build (`npx nest build --all`), then `node dist/bench/alerting.js [series per kind, 40]`.
 */
import { type Detector, fixedThreshold, ours, rateRising } from '../libs/alerting/src/corpus/detectors.js';
import { type Score, scoreOf, total } from '../libs/alerting/src/corpus/score.js';
import { SERIES_KINDS, seriesOf } from '../libs/alerting/src/corpus/series.js';

const COUNT = Number(process.argv[2] ?? 40);

const DETECTORS: Readonly<Record<string, Detector>> = {
  Whydrop: ours(),
  'threshold > 10/min': fixedThreshold(10),
  'threshold > 50/min': fixedThreshold(50),
  'rate > 2x, > 1/min': rateRising(2, 1),
  'rate > 3x, > 2/min': rateRising(3, 2),
  'rate > 5x, > 10/min': rateRising(5, 10),
};

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];
const share = (part: number, whole: number) => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);

function cells({ incidents, found, trueAlarms, falseAlarms, days, delays }: Score): readonly (string | number)[] {
  const precision = share(trueAlarms, trueAlarms + falseAlarms);
  const rate = (falseAlarms / days).toFixed(3);
  return [`${found}/${incidents}`, share(found, incidents), precision, falseAlarms, rate, median(delays) ?? '-'];
}

const row = (values: readonly (string | number)[]) => process.stdout.write(`| ${values.join(' | ')} |\n`);
const HEAD = ['found', 'recall', 'precision', 'false alarms', 'per series and day', 'median delay, min'];

const scores = new Map(Object.keys(DETECTORS).map((name) => [name, [] as Score[]]));
const started = performance.now();
process.stdout.write(`${COUNT} series of each kind\n\n`);
row(['kind', ...HEAD]);
row(Array.from({ length: HEAD.length + 1 }, () => '---'));
for (const kind of SERIES_KINDS) {
  const corpus = Array.from({ length: COUNT }, (_, seed) => seriesOf(kind, seed));
  for (const [name, detector] of Object.entries(DETECTORS)) {
    const score = total(corpus.map((series) => scoreOf(series, detector)));
    scores.get(name)?.push(score);
    if (name === 'Whydrop') row([kind, ...cells(score)]);
  }
}
process.stdout.write('\n');
row(['detector', ...HEAD]);
row(Array.from({ length: HEAD.length + 1 }, () => '---'));
for (const [name, list] of scores) row([name, ...cells(total(list))]);
process.stdout.write(`\n${((performance.now() - started) / 1000).toFixed(1)} s\n`);
