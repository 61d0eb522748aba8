import { fixedThreshold, ours, rateRising } from './detectors.js';
import { scoreKind, total } from './score.js';
import { SERIES_KINDS } from './series.js';

// The corpus of bench/alerting.ts, smaller. Every kind is there with each of its four base levels.
const EACH = 4;

it('finds as many incidents as the rules that people write, at a quarter of their false alarms or less', () => {
  const of = (detector: ReturnType<typeof ours>) => total(SERIES_KINDS.map((kind) => scoreKind(kind, EACH, detector)));
  const mine = of(ours());
  const others = [fixedThreshold(10), fixedThreshold(50), rateRising(2, 1), rateRising(3, 2), rateRising(5, 10)].map(
    of,
  );
  expect(mine.found / mine.incidents).toBeGreaterThan(0.95);
  for (const other of others) {
    expect(mine.found).toBeGreaterThanOrEqual(other.found);
    expect(mine.falseAlarms).toBeLessThanOrEqual(other.falseAlarms / 4);
  }
  // What is found fast is found within two minutes.
  const fast = (['spike', 'seasonSpike', 'burstSpike', 'rollout', 'scan'] as const).map((kind) =>
    scoreKind(kind, EACH, ours()),
  );
  expect(Math.max(...fast.flatMap(({ delays }) => delays))).toBeLessThanOrEqual(2);
});
