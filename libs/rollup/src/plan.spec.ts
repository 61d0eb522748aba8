import { type Instant, MICROS_PER_SECOND } from '@whydrop/model';
import fc from 'fast-check';
import { LEVEL_MICROS, type Level } from './level.js';
import { MOST_POINTS, planTrend } from './plan.js';

const TO: Instant = Date.UTC(2026, 10, 21, 13, 30, 20) * 1000;
const { minute, hour, day } = LEVEL_MICROS;
const nothingGone = new Map<Level, Instant>();

it.each([
  ['an hour', hour, {}, 'minute', minute, 61],
  ['a day', day, {}, 'minute', 15 * minute, 97],
  ['a week', 7 * day, {}, 'hour', 2 * hour, 85],
  ['ninety days', 90 * day, {}, 'day', day, 91],
  ['ten years', 3650 * day, {}, 'day', 37 * day, 100],
  ['a day, few points', day, { maxPoints: 10 }, 'hour', 3 * hour, 9],
  ['a day, by the second', day, { step: MICROS_PER_SECOND }, 'minute', minute, 1441],
  ['a day, by 90 minutes', day, { step: 90 * minute }, 'hour', 2 * hour, 13],
  ['ninety days by the minute are too many points', 90 * day, { step: minute }, 'minute', 12 * minute, 10801],
] as const)('%s', (_name, range, wanted, level, step, points) => {
  const plan = planTrend({ from: TO - range, to: TO, ...wanted }, nothingGone);
  expect(plan).toMatchObject({ level, step });
  expect((plan.to - plan.from) / step).toBe(points);
});

it('takes longer windows where the short ones are gone', () => {
  const gone = new Map<Level, Instant>([['minute', TO - 14 * day]]);
  const wanted = { from: TO - 15 * day, to: TO - 14.5 * day, step: minute };
  expect(planTrend(wanted, gone)).toMatchObject({ level: 'hour', step: hour });
  expect(planTrend(wanted, new Map([...gone, ['hour', TO - day] as const]))).toMatchObject({ level: 'day', step: day });
  expect(planTrend({ ...wanted, from: TO - 14 * day, to: TO }, gone)).toMatchObject({ level: 'minute' });
});

it('always has whole buckets of stored windows around the range, and never too many', () => {
  const time = fc.integer({ min: 0, max: 4_000_000_000 });
  fc.assert(
    fc.property(
      time,
      time,
      fc.option(fc.integer({ min: 1, max: 10_000_000 })),
      fc.option(fc.integer({ min: 1, max: 20_000 })),
      (a, b, step, maxPoints) => {
        const [from, to] = [Math.min(a, b) * MICROS_PER_SECOND, (Math.max(a, b) + 1) * MICROS_PER_SECOND];
        const wanted = {
          from,
          to,
          step: step === null ? undefined : step * MICROS_PER_SECOND,
          maxPoints: maxPoints ?? undefined,
        };
        const plan = planTrend(wanted, nothingGone);
        expect(plan.step % LEVEL_MICROS[plan.level]).toBe(0);
        expect([plan.from % plan.step, plan.to % plan.step]).toEqual([0, 0]);
        expect(plan.from <= from && plan.to >= to && plan.from > from - plan.step && plan.to < to + plan.step).toBe(
          true,
        );
        expect((plan.to - plan.from) / plan.step).toBeLessThanOrEqual(MOST_POINTS);
        if (step !== null) expect(plan.step).toBeGreaterThanOrEqual(step * MICROS_PER_SECOND);
      },
    ),
  );
});
