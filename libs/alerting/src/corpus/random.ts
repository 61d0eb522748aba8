/** Numbers from a seed: the same in every run. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  poisson(mean: number): number;
  /** Poisson with a mean that itself scatters: variance is `dispersion` times the mean. */
  clumped(mean: number, dispersion: number): number;
}

function gammaOf(next: () => number, shape: number): number {
  if (shape < 1) return gammaOf(next, shape + 1) * next() ** (1 / shape);
  // Marsaglia and Tsang
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - next()) < 0.5 * normal * normal + d - d * v + d * Math.log(v)) return d * v;
  }
}

function poissonOf(next: () => number, mean: number): number {
  if (mean <= 0) return 0;
  if (mean > 200) {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let [count, product] = [0, next()];
  for (const limit = Math.exp(-mean); product > limit; count++) product *= next();
  return count;
}

/** mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const poisson = (mean: number) => poissonOf(next, mean);
  const clumped = (mean: number, dispersion: number) =>
    mean <= 0 || dispersion <= 1 ? poisson(mean) : poisson(gammaOf(next, mean / (dispersion - 1)) * (dispersion - 1));
  return { next, poisson, clumped };
}
