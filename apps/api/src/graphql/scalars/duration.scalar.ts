import { MICROS_PER_SECOND } from '@whydrop/model';
import { GraphQLScalarType, Kind } from 'graphql';
import { badInput } from '../server/graphql-error.js';

const ISO = /^P(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$/;
const SHORT = /^(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?$/;
const SECONDS = [86_400, 3_600, 60, 1];

/** Reads `PT1H`, `P7DT12H`, `1h`, `1h30m`, `7d` into microseconds; undefined when it is none, or nothing. */
export function parseDuration(text: string): number | undefined {
  const match = ISO.exec(text) ?? SHORT.exec(text);
  const parts = match?.slice(1);
  if (!parts || parts.every((part) => part === undefined)) return undefined;
  return parts.reduce((sum, part, i) => sum + Number(part ?? 0) * (SECONDS[i] ?? 0), 0) * MICROS_PER_SECOND;
}

/** Writes microseconds as `PT90S`. */
export function formatDuration(micros: number): string {
  return `PT${Math.round(micros / MICROS_PER_SECOND)}S`;
}

function parse(value: unknown): number {
  const duration = typeof value === 'string' ? parseDuration(value) : undefined;
  if (duration === undefined) throw badInput('a Duration must be like PT1H, P7D, 1h, 1h30m or 7d');
  return duration;
}

export const Duration = new GraphQLScalarType<number, string>({
  name: 'Duration',
  description: 'Length of time of fixed units: ISO 8601 (`PT1H`, `P7DT12H`) or short (`1h`, `1h30m`, `7d`).',
  serialize: (value) => formatDuration(Number(value)),
  parseValue: parse,
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
});
