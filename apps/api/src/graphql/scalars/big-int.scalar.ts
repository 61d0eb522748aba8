import { GraphQLScalarType, Kind } from 'graphql';
import { badInput } from '../server/graphql-error.js';

function parse(value: unknown): bigint {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text))
    throw badInput('a BigInt must be a whole number, as text');
  return BigInt(text);
}

/** Counters do not fit a double: they go out as text. */
export const BigIntString = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  description: 'Whole number of up to 64 bits as a decimal string: `"18014398509481984"`.',
  serialize: String,
  parseValue: parse,
  parseLiteral: (node) => parse(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined),
});
