import { hostname } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dataHome } from '@whydrop/telemetry';

/** Wrong words on the command line; the message names the option. */
export class OptionError extends Error {}

/** A file that is followed: `--follow-file STREAM:FORMAT:PATH`. */
export interface FollowedFile {
  readonly stream: string;
  readonly format: string;
  readonly path: string;
}

export interface CollectorOptions {
  readonly url: string;
  readonly token: string;
  readonly cluster: string;
  readonly node: string;
  readonly spool: string;
  readonly spoolBytes: number;
  readonly flushMs: number;
  readonly intervalMs: number;
  readonly inFlight: number;
  /** Where /healthz, /readyz and /metrics listen; undefined: nowhere. */
  readonly status: { readonly host: string; readonly port: number } | undefined;
  /** Sources of the node, by name: `conntrack`, `iptables`, … */
  readonly read: readonly string[];
  readonly conntrackEvents: readonly string[];
  readonly conntrackBuffer: number;
  readonly nflogGroups: readonly number[];
  readonly followFiles: readonly FollowedFile[];
  readonly scrapes: readonly string[];
  readonly kernelLog: string | undefined;
  readonly observeNew: number | undefined;
  readonly traceSeconds: number | undefined;
  readonly traceMatch: string;
  /** Watch the cluster's objects instead of a node. */
  readonly clusterWatch: boolean;
  /** Undefined: the pod's service account, KUBECONFIG or ~/.kube/config. */
  readonly kubeconfig: string | undefined;
}

/** What is read when nobody says otherwise. */
const DEFAULT_READ = ['conntrack', 'iptables', 'ipset', 'interfaces', 'routes', 'sysctl', 'conntrack-stats'];
const KNOWN_READ = [...DEFAULT_READ, 'nft', 'kernel', 'journal', 'proc-net', 'contrail-flow'];

/** The options as parseArgs takes them. */
export const SPEC = {
  url: { type: 'string' },
  token: { type: 'string' },
  cluster: { type: 'string' },
  node: { type: 'string' },
  spool: { type: 'string' },
  'spool-size': { type: 'string' },
  'flush-ms': { type: 'string' },
  interval: { type: 'string' },
  'in-flight': { type: 'string' },
  status: { type: 'string' },
  read: { type: 'string' },
  'conntrack-events': { type: 'string' },
  'conntrack-buffer': { type: 'string' },
  'nflog-groups': { type: 'string' },
  'follow-file': { type: 'string', multiple: true },
  scrape: { type: 'string', multiple: true },
  'kernel-log': { type: 'string' },
  'observe-new': { type: 'string' },
  trace: { type: 'string' },
  'trace-match': { type: 'string' },
  'cluster-watch': { type: 'boolean' },
  kubeconfig: { type: 'string' },
  'print-ulogd-config': { type: 'boolean' },
} as const;

type Words = ReturnType<typeof parseArgs<{ options: typeof SPEC }>>['values'];
type Environment = Readonly<Record<string, string | undefined>>;

const variable = (name: string) => `WHYDROP_${name.toUpperCase().replaceAll('-', '_')}`;

/** `--spool-size` is WHYDROP_SPOOL_SIZE in the environment; what the command line says goes first. */
function lookup(words: Words, environment: Environment) {
  return (name: keyof typeof SPEC): string | undefined => {
    const word = words[name];
    const text = typeof word === 'string' ? word : environment[variable(name)];
    return text === undefined || text === '' ? undefined : text;
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** `256M`, `64k`, `1048576`: bytes. */
export function bytesOf(name: string, text: string): number {
  const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text);
  const bytes = Number(match?.[1]) * (UNITS[match?.[2]?.toLowerCase() ?? ''] ?? 1);
  if (!match || !Number.isSafeInteger(bytes) || bytes === 0)
    throw new OptionError(`--${name} ${text}: is no size, like 256M`);
  return bytes;
}

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, ms: 0.001 };

/** `10s`, `500ms`, `2m`, `10`: milliseconds. */
export function durationOf(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text);
  const ms = Number(match?.[1]) * (SECONDS[match?.[2] ?? ''] ?? 1) * 1000;
  if (!match || !(ms > 0)) throw new OptionError(`--${name} ${text}: is no time, like 10s`);
  return Math.round(ms);
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new OptionError(`--${name} ${text}: must be a number from ${least} to ${most}`);
  }
  return number;
}

function list(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function followedFile(text: string): FollowedFile {
  const match = /^([^:]+):([a-z0-9-]+):(.+)$/.exec(text);
  if (!match) throw new OptionError(`--follow-file ${text}: must be STREAM:FORMAT:PATH`);
  const [, stream = '', format = '', file = ''] = match;
  return { stream, format, path: path.resolve(file) };
}

function readNames(text: string | undefined): readonly string[] {
  if (text === undefined) return DEFAULT_READ;
  const names = list(text).filter((name) => name !== 'none');
  const unknown = names.find((name) => !KNOWN_READ.includes(name));
  if (unknown !== undefined)
    throw new OptionError(`--read ${unknown}: is not known; known are ${KNOWN_READ.join(', ')}`);
  return names;
}

const CONNTRACK_EVENTS = ['NEW', 'UPDATES', 'DESTROY'];

function conntrackEvents(text: string | undefined): readonly string[] {
  const names = list(text).map((name) => name.toUpperCase());
  const unknown = names.find((name) => !CONNTRACK_EVENTS.includes(name));
  if (unknown !== undefined)
    throw new OptionError(`--conntrack-events ${unknown}: known are ${CONNTRACK_EVENTS.join(', ')}`);
  return names;
}

/** A switch of the environment, which has to hold a word. */
function switched(name: keyof typeof SPEC, text = 'no'): boolean {
  const word = text.trim().toLowerCase();
  if (/^(1|true|yes|on)$/.test(word)) return true;
  if (/^(0|false|no|off|)$/.test(word)) return false;
  throw new OptionError(`${variable(name)}=${text}: must be true or false`);
}

function statusAddress(text: string): CollectorOptions['status'] {
  if (text === 'none') return undefined;
  const match = /^(?:(.+):)?(\d+)$/.exec(text);
  if (!match) throw new OptionError(`--status ${text}: must be HOST:PORT, a port, or none`);
  return { host: match[1] ?? '127.0.0.1', port: wholeNumber('status', match[2] ?? '', 0, 65_535) };
}

function url(text: string | undefined): string {
  if (text === undefined) throw new OptionError('--url (or WHYDROP_URL) is needed: where is the server?');
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new OptionError(`--url ${text}: must be http:// or https://`);
  return text;
}

/** Whether only ulogd's configuration was asked for. */
export function wantsUlogdConfig(args: readonly string[]): boolean {
  return args.includes('--print-ulogd-config');
}

function groups(text: string | undefined): readonly number[] {
  return list(text).map((group) => wholeNumber('nflog-groups', group, 0, 65_535));
}

/** The NFLOG groups that were asked for; 100 when none were. */
export function groupsOf(args: readonly string[], environment: Environment): readonly number[] {
  const { values } = parseArgs({ args: [...args], options: SPEC });
  const named = groups(lookup(values, environment)('nflog-groups'));
  return named.length > 0 ? named : [100];
}

/** What the command line and the environment say; throws OptionError naming what is wrong. */
export function parseOptions(args: readonly string[], environment: Environment): CollectorOptions {
  const { values } = parseArgs({ args: [...args], options: SPEC });
  const get = lookup(values, environment);
  const files = [...(values['follow-file'] ?? []), ...list(environment['WHYDROP_FOLLOW_FILE'])];
  const limited = (name: 'flush-ms' | 'in-flight', usual: string, most: number) =>
    wholeNumber(name, get(name) ?? usual, 1, most);
  const observe = get('observe-new');
  const trace = get('trace');
  const clusterWatch = values['cluster-watch'] === true || switched('cluster-watch', get('cluster-watch'));
  return {
    url: url(get('url')),
    token: get('token') ?? '',
    cluster: get('cluster') ?? 'default',
    // The cluster itself is no node.
    node: clusterWatch ? '' : (get('node') ?? environment['NODE_NAME'] ?? hostname()),
    spool: get('spool') ?? path.join(dataHome(), 'collector'),
    spoolBytes: bytesOf('spool-size', get('spool-size') ?? '256M'),
    flushMs: limited('flush-ms', '150', 10_000),
    intervalMs: durationOf('interval', get('interval') ?? '10s'),
    inFlight: limited('in-flight', '4', 64),
    status: statusAddress(get('status') ?? 'none'),
    read: clusterWatch ? [] : readNames(get('read')),
    conntrackEvents: conntrackEvents(get('conntrack-events')),
    conntrackBuffer: bytesOf('conntrack-buffer', get('conntrack-buffer') ?? '32M'),
    nflogGroups: groups(get('nflog-groups')),
    followFiles: files.map(followedFile),
    scrapes: [...(values.scrape ?? []), ...list(environment['WHYDROP_SCRAPE'])],
    kernelLog: get('kernel-log'),
    observeNew: observe === undefined ? undefined : wholeNumber('observe-new', observe, 1, 10_000),
    traceSeconds: trace === undefined ? undefined : durationOf('trace', trace) / 1000,
    traceMatch: get('trace-match') ?? '',
    clusterWatch,
    kubeconfig: get('kubeconfig'),
  };
}
