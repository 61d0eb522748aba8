import { logNegativeBinomialTail, logPoissonTail, logTail } from './tail.js';

const lines = (log: number) => Math.exp(log);

// Sums of the first terms, worked out in double precision.
it.each([
  [1, 0.5, 0.3934693402873666],
  [3, 3, 1],
  [4, 3, 0.3527681112177687],
  [10, 3, 0.0011024881301154],
  [20, 5, 3.452135e-7],
  [200, 150, 5.7097e-5],
])('P(X >= %d) of a Poisson distribution with mean %d', (count, mean, p) => {
  expect(lines(logPoissonTail(count, mean)) / p).toBeCloseTo(1, 1);
});

it('adds up to what the terms add up to', () => {
  for (const mean of [0.05, 0.7, 4, 33])
    for (const count of [1, 2, 7, 40].filter((n) => n > mean)) {
      let [term, below] = [Math.exp(-mean), 0];
      for (let k = 0; k < count; k++) {
        below += term;
        term *= mean / (k + 1);
      }
      if (1 - below > 1e-9) expect(lines(logPoissonTail(count, mean))).toBeCloseTo(1 - below, 8);
    }
});

it('is not worn out where probabilities are: 1000 where 1 is usual', () => {
  expect(logPoissonTail(1000, 1)).toBeCloseTo(-5913.13, 1);
});

it('clumped counts make large ones likelier, and hardly clumped ones do not', () => {
  const poisson = logPoissonTail(30, 10);
  expect(logNegativeBinomialTail(30, 10, 10.001)).toBeCloseTo(poisson, 1);
  expect(logNegativeBinomialTail(30, 10, 20)).toBeGreaterThan(poisson + 3);
  expect(logTail(30, 10, 1.01)).toBe(poisson);
});

it('agrees with the terms of a negative binomial distribution', () => {
  // r = 2, q = 1/2: P(k) = (k + 1) / 2^(k + 2)
  let below = 0;
  for (let k = 0; k < 9; k++) below += (k + 1) / 2 ** (k + 2);
  expect(lines(logNegativeBinomialTail(9, 2, 4))).toBeCloseTo(1 - below, 10);
});

it('what is not above the mean is certain', () => {
  expect(logTail(2, 3, 1)).toBe(0);
  expect(logTail(2, 3, 9)).toBe(0);
});
