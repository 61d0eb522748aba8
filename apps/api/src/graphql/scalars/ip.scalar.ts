import { canonicalIp, formatIp, parseCidr } from '@whydrop/model';
import { GraphQLScalarType, Kind } from 'graphql';
import { badInput } from '../server/graphql-error.js';

function parseAddress(value: unknown): string {
  const ip = typeof value === 'string' ? canonicalIp(value) : undefined;
  if (ip === undefined) throw badInput('an IP must be an IPv4 or IPv6 address, like 10.0.0.1 or fd00::1');
  return ip;
}

function parseNetwork(value: unknown): string {
  const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
  if (!cidr) throw badInput('a CIDR must be a network, like 10.0.0.0/8 or fd00::/64');
  return `${formatIp(cidr)}/${cidr.prefix}`;
}

export const IP = new GraphQLScalarType<string, string>({
  name: 'IP',
  description: 'IPv4 or IPv6 address in its canonical spelling.',
  serialize: String,
  parseValue: parseAddress,
  parseLiteral: (node) => parseAddress(node.kind === Kind.STRING ? node.value : undefined),
});

export const CIDR = new GraphQLScalarType<string, string>({
  name: 'CIDR',
  description: 'IPv4 or IPv6 network: `10.0.0.0/8`. Host bits are cut.',
  serialize: String,
  parseValue: parseNetwork,
  parseLiteral: (node) => parseNetwork(node.kind === Kind.STRING ? node.value : undefined),
});
