import type { Instant } from '@whydrop/model';

export const DAY_MICROS = 86_400_000_000;

/** One partition: its table's name, and `[from, to)` as RFC 3339. */
export interface Period {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Tables that are not partitioned by day. */
export const PERIODS: Readonly<Record<string, 'day' | 'month' | 'year'>> = {
  drop_minute: 'day',
  drop_hour: 'month',
  drop_day: 'year',
  slice_minute: 'day',
  slice_hour: 'month',
  slice_day: 'year',
};

/** The partition of a table that holds an instant. */
export function periodOf(table: string, instant: Instant): Period {
  const date = new Date(instant / 1000);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const iso = (y: number, m: number, d: number) => new Date(Date.UTC(y, m, d)).toISOString();
  const named = (digits: number, from: string, to: string): Period => {
    return { name: `${table}_${from.slice(0, 10).replaceAll('-', '').slice(0, digits)}`, from, to };
  };
  switch (PERIODS[table]) {
    case 'year':
      return named(4, iso(year, 0, 1), iso(year + 1, 0, 1));
    case 'month':
      return named(6, iso(year, month, 1), iso(year, month + 1, 1));
    default:
      return named(8, iso(year, month, day), iso(year, month, day + 1));
  }
}
