import { contains, type Network } from './address.js';
import { addressText, portText } from './criteria.js';
import { editDistance } from './edit-distance.js';
import { ipsOf, unselectable, type Connection, type Side } from './end.js';
import { failureCost, type Criterion } from './rule.js';
import { blame, blameCost, OTHER_KIND } from './selector/blame.js';
import { selectorText, type Selector } from './selector/selector.js';
import { not, type Tri } from './tri.js';

function testSelector(selector: Selector, side: Side): (connection: Connection) => Tri {
  return (connection) =>
    connection.world.inSelector(selector, connection[side], (nets) => ipsOf(connection, side, nets));
}

function unknownAddress(connection: Connection, side: Side): string {
  return `the address of ${connection[side].label}`;
}

/** The end is an endpoint that the selector matches, or has an address in a network set that it matches. */
export function endpointMatches(side: Side, selector: Selector, path: string): Criterion {
  return {
    test: testSelector(selector, side),
    failures: (connection) => {
      const end = connection[side];
      const labels = connection.world.labelsOf(end);
      if (labels) return blame(selector, labels, path, true);
      const wanted = `an endpoint or network set with ${selectorText(selector)
        .replaceAll(/\bpcns\./g, 'namespace label ')
        .replaceAll(/\bpcsa\./g, 'account label ')}`;
      return [{ field: 'networkSet', path, wanted, got: unselectable(end), edit: OTHER_KIND }];
    },
    cost: (connection) => {
      const labels = connection.world.labelsOf(connection[side]);
      return labels ? blameCost(selector, labels, true) : failureCost(OTHER_KIND);
    },
    missing: (connection) => unknownAddress(connection, side),
  };
}

/** The end is no endpoint that the selector matches; addresses outside every endpoint pass. */
export function endpointDoesNotMatch(side: Side, selector: Selector, path: string): Criterion {
  const test = testSelector(selector, side);
  return {
    test: (connection) => not(test(connection)),
    failures: (connection) => [
      {
        field: 'notSelector',
        path,
        wanted: `none with ${selectorText(selector)}`,
        got: connection[side].label,
        edit: 40,
      },
    ],
    missing: (connection) => unknownAddress(connection, side),
  };
}

/** An address of the end is in one of the nets (any where there are none) and in none of the others. */
export function inNets(
  side: Side,
  nets: readonly Network[] | undefined,
  notNets: readonly Network[],
  path: string,
): Criterion {
  return {
    test: (connection) => {
      const ips = ipsOf(connection, side, [...(nets ?? []), ...notNets]);
      return ips?.some(
        (ip) => (!nets || nets.some((net) => contains(net, ip))) && !notNets.some((net) => contains(net, ip)),
      );
    },
    failures: (connection) => {
      const got = addressText(connection, side);
      const kind = connection[side].kind === 'pod' ? OTHER_KIND : 0;
      const isIn = ipsOf(connection, side, [])?.some((ip) => nets?.some((net) => contains(net, ip)));
      if (nets && !isIn) {
        const ip = ipsOf(connection, side, [])?.[0]?.text ?? '';
        const edit = kind || Math.min(...nets.map((net) => editDistance(net.text, ip)), 200);
        return [{ field: 'nets', path: `${path}.nets`, wanted: nets.map((net) => net.text).join(', '), got, edit }];
      }
      const wanted = `an address outside ${notNets.map((net) => net.text).join(', ')}`;
      return [{ field: 'nets', path: `${path}.notNets`, wanted, got, edit: kind + 20 }];
    },
    missing: (connection) => unknownAddress(connection, side),
  };
}

/** The end is behind this service; a destination also by the port there. */
export function behindService(side: Side, namespace: string, name: string, path: string): Criterion {
  return {
    test: (connection) => {
      connection.touchedIdentity = true;
      const service = connection.world.services.find(namespace, name);
      if (!service) return undefined;
      const end = connection[side];
      const addresses = new Set(
        (side === 'source' ? connection.sourceIps : connection.destinationIps)?.map(({ text }) => text),
      );
      return connection.world.services.targets(service).some((target) => {
        const isPod =
          target.end.kind === 'pod' && end.pod?.name === target.end.name && end.pod.namespace === target.end.namespace;
        if (!isPod && !(target.ip !== undefined && addresses.has(target.ip))) return false;
        return side === 'source' || (target.port === connection.port && target.protocol === connection.protocol);
      });
    },
    failures: (connection) => {
      const got = `${connection[side].label}, port ${portText(connection)}`;
      return [{ field: 'service', path, wanted: `an endpoint of service ${namespace}/${name}`, got, edit: 100 }];
    },
    missing: () => `service ${namespace}/${name}`,
  };
}

/** The connection is of this protocol (or, with `negative`, of any other). */
export function ofProtocol(protocol: string, negative: boolean, path: string): Criterion {
  return {
    test: (connection) => (connection.protocol === protocol) !== negative,
    failures: ({ protocol: got }) => [
      { field: 'protocol', path, wanted: negative ? `any protocol but ${protocol}` : protocol, got, edit: 20 },
    ],
  };
}

/** The packet is of this ICMP type and code (or, with `negative`, of any other). */
export function icmpOf(type: number | undefined, code: number | undefined, negative: boolean, path: string): Criterion {
  const text = `ICMP type ${type ?? 'any'}${code === undefined ? '' : ` code ${code}`}`;
  return {
    test: ({ protocol, icmp }) => {
      if (protocol !== 'ICMP' && protocol !== 'ICMPv6') return negative;
      if (type === undefined) return !negative;
      if (!icmp) return undefined;
      return (icmp.type === type && (code === undefined || icmp.code === code)) !== negative;
    },
    failures: ({ protocol, icmp }) => {
      const got = icmp ? `${protocol} type ${icmp.type} code ${icmp.code}` : protocol;
      return [{ field: 'icmp', path, wanted: negative ? `anything but ${text}` : text, got, edit: 20 }];
    },
    missing: () => 'the ICMP type and code',
  };
}

/** The packet is of this IP version. */
export function ofIpVersion(version: number, path: string): Criterion {
  const family = version === 6 ? 'inet6' : 'inet';
  return {
    test: (connection) => {
      if (connection.protocol === 'ICMP') return version === 4;
      if (connection.protocol === 'ICMPv6') return version === 6;
      const ends = [ipsOf(connection, 'source', []), ipsOf(connection, 'destination', [])];
      if (ends.some((ips) => ips?.every((ip) => ip.family !== family))) return false;
      return ends.some((ips) => ips !== undefined) ? true : undefined;
    },
    failures: () => [
      { field: 'ipVersion', path, wanted: `IPv${version}`, got: `IPv${version === 6 ? 4 : 6}`, edit: 100 },
    ],
    missing: (connection) => unknownAddress(connection, 'source'),
  };
}

/** What a proxy decides by the request itself; a packet does not show it. */
export function httpRequest(path: string): Criterion {
  return {
    test: ({ protocol }) => (protocol === 'TCP' ? undefined : false),
    failures: ({ protocol }) => [{ field: 'protocol', path, wanted: 'HTTP', got: protocol, edit: 20 }],
    missing: () => 'the HTTP request',
  };
}
