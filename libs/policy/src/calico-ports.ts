import { carriesPorts, namedPorts, portText } from './criteria.js';
import { editDistance } from './edit-distance.js';
import type { Connection } from './end.js';
import { failureCost, type Criterion } from './rule.js';
import { matches, type Selector } from './selector/selector.js';
import { not, type Tri } from './tri.js';

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
