// Lanczos approximation, g = 7, n = 9: fifteen digits for positive arguments.
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0. */
function logGamma(x: number): number {
  const t = x - 1 + 7.5;
  const sum = LANCZOS.reduce((total, c, i) => (i === 0 ? c : total + c / (x - 1 + i)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Adds up terms whose ratio to the one before is `ratio(k)`, until what follows no longer matters. */
function logSum(first: number, from: number, ratio: (k: number) => number): number {
  let [sum, term] = [1, 1];
  for (let k = from; k < from + 100_000; k++) {
    const factor = ratio(k);
    term *= factor;
    sum += term;
    if (factor < 1 && (term * factor) / (1 - factor) < sum * 1e-12) break;
  }
  return first + Math.log(sum);
}

/** ln P(X >= count) of a Poisson distribution with this mean. */
export function logPoissonTail(count: number, mean: number): number {
  if (count <= mean) return 0;
  const first = count * Math.log(mean) - mean - logGamma(count + 1);
  return Math.min(
    0,
    logSum(first, count, (k) => mean / (k + 1)),
  );
}

/** ln P(X >= count) of a negative binomial distribution with this mean and variance > mean. */
export function logNegativeBinomialTail(count: number, mean: number, variance: number): number {
  if (count <= mean) return 0;
  const r = (mean * mean) / (variance - mean);
  const q = mean / (r + mean);
  const first =
    logGamma(count + r) - logGamma(r) - logGamma(count + 1) + r * Math.log(r / (r + mean)) + count * Math.log(q);
  return Math.min(
    0,
    logSum(first, count, (k) => ((k + r) / (k + 1)) * q),
  );
}

/**
 * How unlikely a count or a larger one is, as a natural logarithm: 0 is certain, -13.8 is one in a million. `dispersion` is
 * variance divided by mean; counts that come in clumps have more than 1, and are then negative binomial.
 */
export function logTail(count: number, mean: number, dispersion: number): number {
  // A little more than 1 is what a sample of a Poisson process shows.
  return dispersion <= 1.05 ? logPoissonTail(count, mean) : logNegativeBinomialTail(count, mean, mean * dispersion);
}
