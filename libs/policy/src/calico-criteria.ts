import { contains, type Network } from './address.js';
import { addressText, carriesPorts, namedPorts, portText } from './criteria.js';
import { editDistance } from './edit-distance.js';
import { ipsOf, unselectable, type Connection, type Side } from './end.js';
import type { Labels } from './label-selector.js';
import { failureCost, type Criterion, type Failure } from './rule.js';
import { matches, selectorText, type Selector } from './selector/selector.js';
import { not, type Tri } from './tri.js';

const OTHER_KIND = 300;

function plain(label: string): string {
  return label.replace(/^pcns\./, '').replace(/^pcsa\./, '');
}

function fieldOf(label: string): Failure['field'] {
  if (label.startsWith('pcns.') || label === 'projectcalico.org/namespace') return 'namespaceSelector';
  return label.startsWith('pcsa.') || label === 'projectcalico.org/serviceaccount' ? 'serviceAccount' : 'podSelector';
}

function ownerOf(label: string): string {
  if (label.startsWith('pcns.')) return 'a namespace with ';
  return label.startsWith('pcsa.') ? 'a service account with ' : '';
}

/** A condition on one label. */
type Leaf = Extract<Selector, { readonly label: string }>;

function wantedText(leaf: Leaf): string {
  const { label } = leaf;
  if (leaf.kind === 'text' && leaf.operator === '==') {
    if (label === 'projectcalico.org/namespace') return `namespace ${leaf.value}`;
    return `${ownerOf(label)}${plain(label)}=${leaf.value}`;
  }
  return `${ownerOf(label)}${selectorText({ ...leaf, label: plain(label) })}`;
}

function gotText(label: string, labels: Labels): string {
  const value = labels.get(label);
  if (label === 'projectcalico.org/namespace') return `namespace ${value ?? 'none'}`;
  const owner = label.startsWith('pcns.') ? `namespace ${labels.get('projectcalico.org/namespace') ?? ''}: ` : '';
  return `${owner}${value === undefined ? `no label ${plain(label)}` : `${plain(label)}=${value}`}`;
}

function leafEdit(leaf: Leaf, labels: Labels): number {
  const value = labels.get(leaf.label);
  if (leaf.kind === 'text' && leaf.operator === '==' && value !== undefined) return editDistance(leaf.value, value);
  if (leaf.kind === 'set' && value !== undefined)
    return Math.min(40, ...leaf.values.map((one) => editDistance(one, value)));
  return 40;
}

function total(failures: readonly Failure[]): number {
  return failures.reduce((sum, failure) => sum + 1000 + failure.edit, 0);
}

/** The leaves because of which the labels do not match (with `wanted` true), or do match (false). */
function blame(selector: Selector, labels: Labels, path: string, wanted: boolean): readonly Failure[] {
  if (matches(selector, labels) === wanted) return [];
  switch (selector.kind) {
    case 'all':
    case 'global':
      return [{ field: 'notSelector', path, wanted: 'nothing', got: 'an endpoint', edit: OTHER_KIND }];
    case 'not':
      return blame(selector.of, labels, path, !wanted);
    case 'and':
    case 'or': {
      const each = selector.of.map((one) => blame(one, labels, path, wanted)).filter((failures) => failures.length > 0);
      const every = (selector.kind === 'and') === wanted;
      return every ? each.flat() : (each.sort((a, b) => total(a) - total(b))[0] ?? []);
    }
    default: {
      const text = wantedText(selector);
      const shown = wanted ? text : `anything but ${text}`;
      const edit = leafEdit(selector, labels);
      return [{ field: fieldOf(selector.label), path, wanted: shown, got: gotText(selector.label, labels), edit }];
    }
  }
}

/** What `blame` would cost, without finding the words for it. */
function blameCost(selector: Selector, labels: Labels, wanted: boolean): number {
  if (matches(selector, labels) === wanted) return 0;
  switch (selector.kind) {
    case 'all':
    case 'global':
      return failureCost(OTHER_KIND);
    case 'not':
      return blameCost(selector.of, labels, !wanted);
    case 'and':
    case 'or': {
      const each = selector.of.map((one) => blameCost(one, labels, wanted)).filter((cost) => cost > 0);
      return (selector.kind === 'and') === wanted ? each.reduce((sum, cost) => sum + cost, 0) : Math.min(...each);
    }
    default:
      return failureCost(leafEdit(selector, labels));
  }
}

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

/** A port of a Calico rule: numbers from first to last, or the name of a port of the endpoint. */
export type PortSpec = { readonly first: number; readonly last: number } | { readonly name: string };

function specText(spec: PortSpec): string {
  if ('name' in spec) return spec.name;
  return spec.first === spec.last ? `${spec.first}` : `${spec.first}:${spec.last}`;
}

function hostPorts(connection: Connection, name: string): readonly number[] {
  const host = connection.world.hostEndpoint(connection.destination);
  return (host?.ports ?? [])
    .filter((port) => port.name === name && port.protocol === connection.protocol.toUpperCase())
    .map(({ port }) => port);
}

function matchesPort(spec: PortSpec, connection: Connection, selector: Selector | undefined): Tri {
  const { port, destination, protocol } = connection;
  if ('first' in spec) {
    if (port === undefined) return carriesPorts(protocol) ? undefined : false;
    return port >= spec.first && port <= spec.last;
  }
  // The name stands for the ports of those endpoints that the rule selects.
  const labels = connection.world.labelsOf(destination);
  if (selector && labels && !matches(selector, labels)) return false;
  const ports =
    destination.kind === 'pod' ? namedPorts(destination, spec.name, protocol) : hostPorts(connection, spec.name);
  if (destination.kind !== 'pod') connection.touchedIdentity = true;
  if (port === undefined) return ports.length > 0 && carriesPorts(protocol) ? undefined : false;
  return ports.includes(port);
}

/** The destination port is one of these (or, with `negative`, none of them). */
export function destinationPorts(
  specs: readonly PortSpec[],
  selector: Selector | undefined,
  negative: boolean,
  path: string,
): Criterion {
  const any = (connection: Connection): Tri => {
    let result: Tri = false;
    for (const spec of specs) {
      const one = matchesPort(spec, connection, selector);
      if (one === true) return true;
      if (one === undefined) result = undefined;
    }
    return result;
  };
  const text = specs.map(specText).join(', ');
  const editOf = ({ port }: Connection): number =>
    Math.min(20, ...specs.map((spec) => editDistance(specText(spec), String(port ?? ''))));
  return {
    test: (connection) => (negative ? not(any(connection)) : any(connection)),
    failures: (connection) => {
      const got = portText(connection);
      const field = specs.some((spec) => 'name' in spec) ? 'namedPort' : 'port';
      return [
        { field, path, wanted: negative ? `any port but ${text}` : `port ${text}`, got, edit: editOf(connection) },
      ];
    },
    cost: (connection) => failureCost(editOf(connection)),
    missing: () => 'the destination port',
  };
}

/** The source port is one of these; nothing that is asked here says what it is. */
export function sourcePorts(specs: readonly PortSpec[], path: string): Criterion {
  const all = specs.some((spec) => 'first' in spec && spec.first <= 1 && spec.last >= 65535);
  return {
    test: ({ protocol }) => (!carriesPorts(protocol) ? false : all ? true : undefined),
    failures: (connection) => [
      {
        field: 'port',
        path,
        wanted: `source port ${specs.map(specText).join(', ')}`,
        got: portText(connection),
        edit: 20,
      },
    ],
    missing: () => 'the source port',
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
