import { canonicalIp, formatIp, parseCidr } from '@whydrop/model';
import type { Reject, Route, RouteSnapshot } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, listOf, numberOf, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { reject } from '../lines.js';

/** One run of `ip -j route show table all`. */
export interface RouteListing {
  readonly routes: readonly JsonObject[];
  readonly raw: string;
  readonly line: number;
}

/** One document, or one per family behind each other (`ip -j route; ip -j -6 route`). */
function* decode(payload: string, context: StreamContext): Generator<RouteListing | Reject> {
  const documents = parseJson(payload) === undefined ? payload.split('\n') : [payload];
  const routes: JsonObject[] = [];
  for (const document of documents) {
    if (document.trim() === '') continue;
    const parsed = parseJson(document);
    if (Array.isArray(parsed)) {
      for (const route of parsed) if (isObject(route)) routes.push(route);
    } else {
      yield reject('UNKNOWN_SYNTAX', context.firstLine, document, 'Expected the JSON array of "ip -j route".');
      return;
    }
  }
  yield { routes, raw: payload.slice(0, 200), line: context.firstLine };
}

/** `default`, an address, or a network; undefined when it is none of these. */
function destinationOf(text: string | undefined): string | undefined {
  if (text === undefined || text === 'default') return text;
  const cidr = parseCidr(text);
  if (!cidr) return undefined;
  return text.includes('/') ? `${formatIp(cidr)}/${cidr.prefix}` : formatIp(cidr);
}

/** Several next hops make one route each. */
function hopsOf(route: JsonObject): readonly JsonObject[] {
  const hops = listOf(route, 'nexthops').filter(isObject);
  return hops.length > 0 ? hops : [route];
}

function routesOf(route: JsonObject): Route[] {
  const destination = destinationOf(textOf(route, 'dst'));
  if (destination === undefined) return [];
  return hopsOf(route).map((hop) => ({
    destination,
    type: textOf(route, 'type') ?? 'unicast',
    table: textOf(route, 'table') ?? String(numberOf(route, 'table') ?? 'main'),
    gateway: canonicalIp(textOf(hop, 'gateway') ?? ''),
    device: textOf(hop, 'dev'),
    source: canonicalIp(textOf(route, 'prefsrc') ?? ''),
    metric: numberOf(route, 'metric'),
  }));
}

function normalise(listing: RouteListing, context: StreamContext): RouteSnapshot | Reject {
  if (context.observedFrom === undefined)
    return reject('NO_TIME', listing.line, listing.raw, 'The snapshot has no time.');
  return { kind: 'routes', observedAt: context.observedFrom, routes: listing.routes.flatMap(routesOf) };
}

export const routes: Decoder<RouteListing> = {
  format: 'routes',
  doc: '`ip -j route show table all`: routes with blackholes and their like (iproute2 `ip/iproute.c`)',
  decode,
  normalise,
};
