import { type Detector, fixedThreshold, ours, rateRising } from './detectors.js';
import { type Score, scoreOf, total } from './score.js';
import { SERIES_KINDS, seriesOf } from './series.js';

const OTHERS = [fixedThreshold(10), fixedThreshold(50), rateRising(2, 1), rateRising(3, 2), rateRising(5, 10)];
const FAST: readonly string[] = ['spike', 'seasonSpike', 'burstSpike', 'rollout', 'scan'];

// The corpus of bench/alerting.ts, smaller: of every kind a sparse series and a busy one.
const CORPUS = SERIES_KINDS.flatMap((kind) => [0, 2].map((seed) => seriesOf(kind, seed)));

const scores = (detector: Detector): readonly Score[] => CORPUS.map((series) => scoreOf(series, detector));

it('finds as many incidents as the rules that people write, at a quarter of their false alarms or less', () => {
  const mine = scores(ours());
  const { found, incidents, falseAlarms } = total(mine);
  expect(found).toBe(incidents);
  for (const other of OTHERS.map((detector) => total(scores(detector)))) {
    expect(found).toBeGreaterThanOrEqual(other.found);
    expect(falseAlarms).toBeLessThanOrEqual(other.falseAlarms / 4);
  }
  // What is found fast is found within two minutes.
  const fast = mine.filter((_, i) => FAST.includes(CORPUS[i]?.kind ?? ''));
  expect(Math.max(...fast.flatMap(({ delays }) => delays))).toBeLessThanOrEqual(2);
});
