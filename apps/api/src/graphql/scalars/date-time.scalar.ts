import { formatInstant, instantFromRfc3339, type Instant } from '@whydrop/model';
import { GraphQLScalarType, Kind } from 'graphql';
import { badInput } from '../server/graphql-error.js';

function parse(value: unknown): Instant {
  const instant = typeof value === 'string' ? instantFromRfc3339(value) : undefined;
  if (instant === undefined)
    throw badInput('a DateTime must be an RFC 3339 time with its offset, like 2026-11-20T22:40:15Z');
  return instant;
}

/** UTC instant. Inside it is a number of microseconds. */
export const DateTime = new GraphQLScalarType<Instant, string>({
  name: 'DateTime',
  description: 'Instant in UTC, RFC 3339 with `Z` and up to six decimals: `2026-11-20T22:40:15.629546Z`.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => formatInstant(Number(value)),
  parseValue: parse,
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
});
