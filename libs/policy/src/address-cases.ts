import { familyBits, formatIp, type Family } from '@whydrop/model';
import type { Address, Network } from './address.js';
import type { Connection, Side } from './end.js';
import type { Decision } from './walk.js';

/** With more regions than this the question stays open: it is not worth the time. */
const LIMIT = 1024;

function address(family: Family, value: number | bigint): Address {
  return { family, value, text: formatIp({ family, value: BigInt(value) }) };
}

/** One address of every region that the networks cut the family into. */
function representatives(family: Family, networks: readonly Network[]): readonly Address[] {
  const end = 1n << BigInt(familyBits(family));
  const starts = networks
    .filter((network) => network.family === family)
    .flatMap((network) => [BigInt(network.first), BigInt(network.last) + 1n]);
  const values = [...new Set([0n, ...starts])].filter((value) => value < end);
  return values.map((value) => address(family, family === 'inet' ? Number(value) : value));
}

function familiesOf(connection: Connection): readonly Family[] {
  if (connection.protocol === 'ICMP') return ['inet'];
  if (connection.protocol === 'ICMPv6') return ['inet6'];
  const known = connection.sourceIps ?? connection.destinationIps;
  return known ? [...new Set(known.map(({ family }) => family))] : ['inet', 'inet6'];
}

function withAddress(connection: Connection, side: Side, ip: Address): Connection {
  return side === 'source' ? { ...connection, sourceIps: [ip] } : { ...connection, destinationIps: [ip] };
}

function casesOf(connection: Connection): readonly Connection[] {
  const networks = [...connection.open.networks];
  let cases: readonly Connection[] = [connection];
  for (const side of connection.open.sides) {
    cases = cases.flatMap((one) =>
      familiesOf(one).flatMap((family) => representatives(family, networks).map((ip) => withAddress(one, side, ip))),
    );
    if (cases.length > LIMIT) return [];
  }
  return cases;
}

/**
 * Whether an address that is not known matters: the connection is judged with one address of every region that the
 * networks of the rules make. Where all agree, that is the decision; otherwise it stays undecided.
 */
export function whateverTheAddress(
  undecided: Decision,
  connection: Connection,
  judge: (one: Connection) => Decision,
): Decision {
  if (undecided.verdict !== 'unknown' || connection.open.sides.size === 0) return undecided;
  let agreed: Decision | undefined;
  for (const one of casesOf(connection)) {
    const decision = judge(one);
    if (decision.verdict === 'unknown' || (agreed && decision.verdict !== agreed.verdict)) return undecided;
    agreed ??= decision;
  }
  return agreed ?? undecided;
}
