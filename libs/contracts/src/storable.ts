import { z } from 'zod';

/** Text that a database takes: without NUL. */
export const storableText = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => !text.includes('\0'), 'must not hold NUL');

const MOST_OFFSET = /[+-](?:0\d|1[0-5]):\d\d$|Z$/;
const isStorable = (text: string) =>
  !text.startsWith('0000') && MOST_OFFSET.test(text) && Number.isFinite(Date.parse(text));

/** RFC 3339 as PostgreSQL and we read it alike: no year 0, no offset of sixteen hours, no leap second. */
export const storableTime = z.iso
  .datetime({ offset: true })
  .refine(isStorable, 'must be a time of the year 1 or later, at most 15:59 from UTC');
