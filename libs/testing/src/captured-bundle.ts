import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { bundleManifestSchema, describeBundleFile, type BundleManifest } from '@whydrop/contracts';
import { decodeStream, detectFlowLog, isFormat, type Observation } from '@whydrop/decoders';
import {
  type ClusterHistory,
  type Countings,
  createClusterHistory,
  createHostFacts,
  movedRules,
  type RulePair,
  type Surroundings,
  type Witnesses,
} from '@whydrop/explain';
import {
  type Instant,
  instantFromRfc3339,
  instantFromSeconds,
  type InterfaceSnapshot,
  type IpsetSnapshot,
  type ObjectChange,
  type ObjectVersion,
  type RouteSnapshot,
  type RulesetSnapshot,
} from '@whydrop/model';
import { parse } from 'yaml';

/** A bundle read into memory: what correlation works on, without a server. */
export interface CapturedBundle {
  readonly manifest: BundleManifest;
  readonly witnesses: Witnesses;
  readonly surroundings: Surroundings;
  readonly countings: Countings;
}

/** Which channels to leave out: `nflog`, `kernel-log`, `trace`, `iptables`, `conntrack`, …, or all of a node. */
export interface Without {
  readonly channels?: readonly string[];
  readonly nodes?: readonly string[];
  /** How far clocks of nodes run ahead, in µs: everything that such a node stamped is moved by it. */
  readonly skew?: Readonly<Record<string, number>>;
}

const CHANNEL_OF_FORMAT: Readonly<Record<string, string>> = {
  'nflog-gprint': 'nflog',
  'nflog-json': 'nflog',
  'kernel-log': 'kernel-log',
  'xtables-trace': 'trace',
  'iptables-save': 'iptables',
  'ip6tables-save': 'iptables',
  'conntrack-events': 'conntrack',
  'conntrack-dump': 'conntrack',
  'ipset-save': 'ipset',
  'weave-npc-log': 'weave-npc-log',
  'prometheus-text': 'metrics',
};

interface Located {
  readonly node: string;
  readonly item: Observation;
  readonly channel: string;
}

/** Everything that lies in a bundle, decoded. */
export interface BundleRecords {
  readonly manifest: BundleManifest;
  readonly records: readonly Located[];
}

function* files(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) yield path.relative(directory, path.join(entry.parentPath, entry.name));
  }
}

function readAll(directory: string, manifest: BundleManifest): readonly Located[] {
  const found: Located[] = [];
  for (const file of [...files(directory)].toSorted()) {
    const known = describeBundleFile(file);
    if (!known) continue;
    const text = readFileSync(path.join(directory, file), 'utf8');
    const format = known.format ?? detectFlowLog(text);
    if (format === undefined || !isFormat(format)) continue;
    const taken = known.takenAt === undefined ? undefined : instantFromSeconds(known.takenAt);
    const throughout = format === 'interfaces' && taken === undefined;
    const observedFrom = taken ?? (throughout ? undefined : instantFromRfc3339(manifest.from));
    const context = { observedFrom, observedTo: undefined, firstLine: 1, attributes: known.attributes };
    const [node, channel] = [known.node ?? '', CHANNEL_OF_FORMAT[format] ?? ''];
    for (const item of decodeStream(format, text, context)) {
      if (item.kind !== 'reject') found.push({ node, item, channel });
    }
  }
  return found;
}

/** Decodes a bundle once, to be looked at in several ways. */
export function readBundleRecords(directory: string): BundleRecords {
  const manifest = bundleManifestSchema.parse(parse(readFileSync(path.join(directory, 'bundle.yaml'), 'utf8')));
  return { manifest, records: readAll(directory, manifest) };
}

function isLeftOut({ node, channel }: Located, without: Without): boolean {
  return (without.nodes?.includes(node) ?? false) || (without.channels?.includes(channel) ?? false);
}

/** The record as a node with another clock would have stamped it. */
function stamped(located: Located, { skew = {} }: Without): Located {
  const { node, item } = located;
  const by = skew[node] ?? 0;
  if (by === 0 || !('observedAt' in item) || item.observedAt === undefined) return located;
  return { ...located, item: { ...item, observedAt: item.observedAt + by } };
}

/** Versions with their validity, as the store works them out. */
function versionsOf(changes: readonly ObjectChange[]): readonly ObjectVersion[] {
  const byName = new Map<string, ObjectChange[]>();
  for (const change of changes) {
    const { apiVersion, kind, metadata } = change.object;
    const key = `${apiVersion.split('/').slice(0, -1).join('/')} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
    byName.set(key, [...(byName.get(key) ?? []), change]);
  }
  return [...byName.values()].flatMap((all) => {
    const sorted = all.toSorted((a, b) => a.at - b.at);
    return sorted.flatMap((change, at): readonly ObjectVersion[] => {
      if (change.type === 'DELETED') return [];
      const created = instantFromRfc3339(change.object.metadata.creationTimestamp ?? '');
      const found = at === 0 && (change.type === 'STATE' || change.type === 'ADDED');
      const earliest = found ? Math.min(change.at, created ?? (change.type === 'STATE' ? 0 : change.at)) : change.at;
      return [{ object: change.object, validFrom: earliest, validTo: sorted[at + 1]?.at }];
    });
  });
}

const SHARED_ADDRESS = /^(127\.|169\.254\.|::1$|fe80:)/;

function addressBook(snapshots: readonly { readonly node: string; readonly item: InterfaceSnapshot }[]) {
  const nodes = new Map<string, Set<string>>();
  for (const { node, item } of snapshots) {
    for (const address of item.interfaces.flatMap((entry) => entry.addresses)) {
      const [ip = address] = address.split('/');
      if (!SHARED_ADDRESS.test(ip)) nodes.set(ip, (nodes.get(ip) ?? new Set()).add(node));
    }
  }
  return (ip: string): string | undefined => {
    const found = nodes.get(ip);
    return found?.size === 1 ? [...found][0] : undefined;
  };
}

function ofKind<K extends Observation['kind']>(all: readonly Located[], kind: K) {
  return all.filter(
    (entry): entry is Located & { readonly item: Extract<Observation, { kind: K }> } => entry.item.kind === kind,
  );
}

function nearest<T extends { readonly observedAt: Instant }>(all: readonly T[], at: Instant): T | undefined {
  return all.findLast((entry) => entry.observedAt <= at) ?? all[0];
}

function byTime<T extends { readonly observedAt: Instant }>(all: readonly T[]): readonly T[] {
  return all.toSorted((a, b) => a.observedAt - b.observedAt);
}

/** Neighbouring snapshots of every node, with what its drop rules counted between them. */
function countingsOf(rulesets: readonly { readonly node: string; readonly item: RulesetSnapshot }[]): Countings {
  const seriesOf = ({ node, item }: (typeof rulesets)[number]) => `${node} ${item.family} ${item.backend}`;
  const pairs = [...new Set(rulesets.map(seriesOf))].flatMap((series): readonly RulePair[] => {
    const own = rulesets.filter((entry) => seriesOf(entry) === series);
    const sorted = own.toSorted((a, b) => a.item.observedAt - b.item.observedAt);
    return sorted.flatMap(({ node, item: ruleset }, at): readonly RulePair[] => {
      const before = sorted[at - 1]?.item;
      if (!before) return [];
      const [from, to] = [before.observedAt, ruleset.observedAt];
      return [{ node, from, to, ruleset, moved: movedRules(before, ruleset) }];
    });
  });
  return {
    rulesets: pairs,
    looked: pairs.map(({ node, from, to }) => ({ node, from, to })),
    metrics: [],
    aggregates: [],
  };
}

const histories = new WeakMap<BundleRecords, ClusterHistory>();

/** The cluster's objects are the same in every look: they are compiled once. */
function historyOf(bundle: BundleRecords): ClusterHistory {
  const known =
    histories.get(bundle) ?? createClusterHistory(versionsOf(ofKind(bundle.records, 'object').map(({ item }) => item)));
  histories.set(bundle, known);
  return known;
}

/** A function that works each answer out once. */
function remembered<T>(work: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key) ?? work(key);
    known.set(key, found);
    return found;
  };
}

/** The same for records that are decoded already. */
export function capturedBundle(bundle: BundleRecords, without: Without = {}): CapturedBundle {
  const { manifest, records } = bundle;
  const all = records.filter((each) => !isLeftOut(each, without)).map((each) => stamped(each, without));
  const rulesets = ofKind(all, 'ruleset');
  const ipsets = ofKind(all, 'ipsets');
  const routes = ofKind(all, 'routes');
  const interfaces = ofKind(all, 'interfaces');
  const flows = ofKind(all, 'flow');
  const on = <T>(list: readonly { readonly node: string; readonly item: T }[], node: string) =>
    list.filter((entry) => entry.node === node).map((entry) => entry.item);
  const [from, to] = [instantFromRfc3339(manifest.from) ?? 0, instantFromRfc3339(manifest.to) ?? Infinity];
  const verdicts = ofKind(all, 'flow-verdict').flatMap(({ node, item }) => {
    const { source, destination } = item.ends;
    if (source === undefined || destination === undefined) return [];
    return [{ node: item.node ?? node, verdict: item, tuple: { ...item.ends, source, destination } }];
  });
  const rulesetsOf = remembered((node) => byTime(on<RulesetSnapshot>(rulesets, node)));
  const ipsetsOf = remembered((node) => byTime(on<IpsetSnapshot>(ipsets, node)));
  return {
    manifest,
    witnesses: {
      flows: flows.map(({ node, item }) => ({ node, flow: item })),
      packets: [...ofKind(all, 'packet'), ...ofKind(all, 'trace')].map(({ node, item }) => ({ node, packet: item })),
      verdicts,
    },
    surroundings: {
      cluster: manifest.cluster,
      history: historyOf(bundle),
      rulesets: (node, family, first, last) => {
        const own = rulesetsOf(node).filter((snapshot) => snapshot.family === family);
        return [...new Set(own.map((snapshot) => snapshot.backend))].map((backend) => {
          const series = own.filter((snapshot) => snapshot.backend === backend);
          return {
            before: series.findLast((snapshot) => snapshot.observedAt <= first),
            after: series.find((snapshot) => snapshot.observedAt >= last),
          };
        });
      },
      ipsets: (node, at) => nearest(ipsetsOf(node), at),
      routes: (node, at) => nearest(byTime(on<RouteSnapshot>(routes, node)), at)?.routes,
      covered: (node, channel, first, last) => {
        const gone = without.nodes?.includes(node) || without.channels?.includes(channel);
        const by = without.skew?.[node] ?? 0;
        const complete = manifest.nodes[node]?.complete.includes(channel) ?? false;
        return !gone && complete && first >= from + by && last <= to + by;
      },
      host: createHostFacts(ofKind(all, 'notice'), ofKind(all, 'metric')),
      nodeOfAddress: addressBook(interfaces),
      localAddresses: (node) => {
        const own = on<InterfaceSnapshot>(interfaces, node).at(-1);
        return own?.interfaces.flatMap((entry) => entry.addresses);
      },
      knowsInterfaces: (node) => interfaces.some((entry) => entry.node === node),
      conntrackWatermark: (node) =>
        flows.some((entry) => entry.node === node) ? to + (without.skew?.[node] ?? 0) : undefined,
    },
    countings: countingsOf(rulesets),
  };
}
