import { canonicalIp, protocolFromName, type ConnectionEnd, type Protocol } from '@whydrop/model';
import type { ConnectionRequest, RequestTarget } from '@whydrop/policy';
import { isFields } from './objects.js';

export type Expected = 'allowed' | 'denied' | 'unknown';

/** One line of a query file. */
export interface CheckQuery {
  readonly id: unknown;
  readonly request: ConnectionRequest;
  readonly expect: Expected | undefined;
}

export interface BadQuery {
  readonly kind: 'bad-query';
  readonly reason: string;
}

function bad(reason: string): BadQuery {
  return { kind: 'bad-query', reason };
}

function isBad(value: object): value is BadQuery {
  return 'kind' in value && value.kind === 'bad-query';
}

/** `ns/name`, or `name` in the namespace given beside it (else `default`). */
function nameIn(value: unknown, namespace: unknown): { readonly namespace: string; readonly name: string } | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const slash = value.indexOf('/');
  if (slash >= 0) return { namespace: value.slice(0, slash) || 'default', name: value.slice(slash + 1) };
  return { namespace: typeof namespace === 'string' && namespace !== '' ? namespace : 'default', name: value };
}

function endOf(value: unknown, place: 'from' | 'to'): RequestTarget | BadQuery {
  if (!isFields(value)) return bad(`'${place}' is {"pod": "ns/name"} or {"ip": "address"}`);
  const pod = nameIn(value['pod'], value['namespace']);
  if (pod) return { kind: 'pod', ...pod };
  const service = place === 'to' ? nameIn(value['service'], value['namespace']) : undefined;
  if (service) return { kind: 'service', ...service };
  const { ip, node } = value;
  if (typeof ip === 'string' && ip !== '') {
    const address = canonicalIp(ip.trim());
    return address === undefined
      ? bad(`'${place}' has no address: ${JSON.stringify(ip)}`)
      : { kind: 'address', ip: address };
  }
  if (typeof node === 'string' && node !== '') return { kind: 'node', name: node };
  return bad(`'${place}' names no pod, ip${place === 'to' ? ' or service' : ''}`);
}

function portOf(value: unknown): number | undefined | BadQuery {
  if (value === undefined || value === null || value === '') return undefined;
  const port = typeof value === 'string' ? Number(value) : value;
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  return bad(`'port' is a number from 0 to 65535, not ${JSON.stringify(value)}`);
}

function protocolOf(value: unknown): Protocol | BadQuery {
  if (value === undefined || value === null || value === '') return 'TCP';
  const protocol = typeof value === 'string' || typeof value === 'number' ? protocolFromName(String(value)) : undefined;
  return protocol ?? bad(`'protocol' is TCP, UDP, SCTP or ICMP, not ${JSON.stringify(value)}`);
}

function expectOf(value: unknown): Expected | undefined | BadQuery {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  if (text === 'allowed' || text === 'denied' || text === 'unknown') return text;
  return bad(`'expect' is allowed or denied, not ${JSON.stringify(value)}`);
}

function icmpOf(value: unknown): { readonly icmp?: { readonly type: number; readonly code: number } } {
  if (!isFields(value) || typeof value['type'] !== 'number') return {};
  return { icmp: { type: value['type'], code: typeof value['code'] === 'number' ? value['code'] : 0 } };
}

/** Reads one line of a query file; says what is wrong with it otherwise. */
export function parseQuery(line: string): CheckQuery | BadQuery {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return bad('the line is no JSON');
  }
  if (!isFields(value)) return bad('the line is no JSON object');
  const source = endOf(value['from'], 'from');
  const destination = endOf(value['to'], 'to');
  const port = portOf(value['port']);
  const protocol = protocolOf(value['protocol']);
  const expect = expectOf(value['expect']);
  if (isBad(source)) return source;
  if (isBad(destination)) return destination;
  if (typeof port === 'object') return port;
  if (typeof protocol === 'object') return protocol;
  if (typeof expect === 'object') return expect;
  const request = { source: source as ConnectionEnd, destination, protocol, port, ...icmpOf(value['icmp']) };
  return { id: value['id'], request, expect };
}

export { isBad as isBadQuery };
