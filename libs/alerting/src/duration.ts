const UNITS = { d: 86_400_000_000, h: 3_600_000_000, m: 60_000_000, s: 1_000_000 } as const;

/** Reads `90s`, `5m`, `1h30m`, `PT5M`, `P1D` into µs; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const short = /^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$/i;
  const iso = /^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?$/;
  const parts = /^0$/.test(text) ? ['0', '0'] : (iso.exec(text) ?? short.exec(text));
  if (!parts || parts.slice(1).every((part) => part === undefined)) return undefined;
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = parts;
  return Number(days) * UNITS.d + Number(hours) * UNITS.h + Number(minutes) * UNITS.m + Number(seconds) * UNITS.s;
}

/** Writes µs as people say them: `1h30m`, `45s`. */
export function formatDuration(micros: number): string {
  let rest = Math.round(micros / UNITS.s) * UNITS.s;
  const parts = Object.entries(UNITS).flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count}${unit}`] : [];
  });
  return parts.length === 0 ? '0s' : parts.join('');
}
