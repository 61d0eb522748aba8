import { decodeStream, type FormatId } from '@whydrop/decoders';
import type {
  Instant,
  KubernetesObject,
  MetricSample,
  NoticeObservation,
  ObjectVersion,
  Route,
  RulesetSnapshot,
} from '@whydrop/model';
import { createClusterHistory } from './history.js';
import { createHostFacts, type Located } from './host-facts.js';
import type { Surroundings } from './surroundings.js';
import type { Witnesses } from './witness.js';

/** 2026-11-20T22:40:00Z, the moment around which the fixtures play. */
export const T0: Instant = 1_795_214_400_000_000;

/** Text of lines at seconds after T0: `at(1.5)` is what an emitter prints in front. */
export function at(seconds: number): string {
  return (T0 / 1e6 + seconds).toFixed(6);
}

function decode(format: FormatId, payload: string, observedFrom?: Instant) {
  const context = { observedFrom, observedTo: undefined, firstLine: 1, attributes: {} };
  return [...decodeStream(format, payload, context)].map((item) => {
    if (item.kind === 'reject') throw new Error(`fixture: ${item.detail}: ${item.raw}`);
    return item;
  });
}

export interface NodeFixture {
  readonly conntrack?: string;
  readonly nflog?: string;
  readonly kernelLog?: string;
  readonly trace?: string;
  readonly weaveLog?: string;
  /** Flow logs with verdicts, by format. */
  readonly flowLogs?: Partial<Record<FormatId, string>>;
  /** iptables-save texts by seconds after T0. */
  readonly rulesets?: Readonly<Record<number, string>>;
  /** `conntrack -S`, /proc/net/netstat and softnet_stat by seconds after T0. */
  readonly counters?: Readonly<Record<number, string>>;
  readonly complete?: readonly string[];
  readonly addresses?: readonly string[];
  readonly routes?: readonly Route[];
}

/** An object from some second after T0 on, until its next version; `null`: it is deleted. */
export interface ObjectAt {
  readonly seconds: number;
  readonly object: string;
  readonly deleted?: boolean;
}

function objectOf(text: string): KubernetesObject {
  const [item] = decode('kubernetes-objects', text, T0);
  if (item?.kind !== 'object') throw new Error(`fixture: no object: ${text}`);
  return item.object as KubernetesObject;
}

function identity({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Versions with their validity: the objects hold from always, each later one from its second on. */
function versionsOf(objects: string, later: readonly ObjectAt[]): readonly ObjectVersion[] {
  const first = decode('kubernetes-objects', objects, T0 - 3_600_000_000).flatMap((item) =>
    item.kind === 'object' ? [{ at: 0, object: item.object as KubernetesObject, deleted: false }] : [],
  );
  const more = later.map(({ seconds, object, deleted = false }) => {
    return { at: T0 + seconds * 1e6, object: objectOf(object), deleted };
  });
  const all = [...first, ...more].toSorted((a, b) => a.at - b.at);
  return all.flatMap(({ at: validFrom, object, deleted }, index): readonly ObjectVersion[] => {
    if (deleted) return [];
    const next = all.slice(index + 1).find((other) => identity(other.object) === identity(object));
    return [{ object, validFrom, validTo: next?.at }];
  });
}

/** Witnesses and surroundings from what emitters print, so that a test reads like a capture. */
export function captured(
  objects: string,
  nodes: Readonly<Record<string, NodeFixture>>,
  later: readonly ObjectAt[] = [],
): { witnesses: Witnesses; surroundings: Surroundings } {
  const versions = versionsOf(objects, later);
  const notices: Located<NoticeObservation>[] = [];
  const samples: Located<MetricSample>[] = [];
  const flows: Witnesses['flows'][number][] = [];
  const packets: Witnesses['packets'][number][] = [];
  const verdicts: Witnesses['verdicts'][number][] = [];
  const snapshots = new Map<string, RulesetSnapshot[]>();
  for (const [node, fixture] of Object.entries(nodes)) {
    const logs = [
      ...decode('conntrack-events', fixture.conntrack ?? ''),
      ...decode('xtables-trace', fixture.trace ?? ''),
      ...decode('weave-npc-log', fixture.weaveLog ?? ''),
      ...decode('nflog-gprint', fixture.nflog ?? ''),
      ...decode('kernel-log', fixture.kernelLog ?? ''),
    ];
    for (const [format, text] of Object.entries(fixture.flowLogs ?? {})) {
      logs.push(...decode(format as FormatId, text, T0 + 1_000_000));
    }
    for (const item of logs) {
      if (item.kind === 'flow-verdict') {
        const { source, destination } = item.ends;
        if (source === undefined || destination === undefined) continue;
        verdicts.push({ node: item.node ?? node, verdict: item, tuple: { ...item.ends, source, destination } });
      }
      if (item.kind === 'flow') flows.push({ node, flow: item });
      if (item.kind === 'notice') notices.push({ node, item });
      if (item.kind === 'packet' || item.kind === 'trace') packets.push({ node, packet: item });
    }
    for (const [seconds, text] of Object.entries(fixture.counters ?? {})) {
      const format = text.startsWith('cpu=') ? 'conntrack-stats' : 'proc-net-stats';
      for (const item of decode(format, text, T0 + Number(seconds) * 1e6))
        if (item.kind === 'metric') samples.push({ node, item });
    }
    const taken = Object.entries(fixture.rulesets ?? {}).map(([seconds, text]) => ({
      text,
      when: T0 + Number(seconds) * 1e6,
    }));
    const read = taken
      .toSorted((a, b) => a.when - b.when)
      .flatMap(({ text, when }) => decode('iptables-save', text, when));
    snapshots.set(
      node,
      read.filter((item) => item.kind === 'ruleset'),
    );
  }
  const owner = (ip: string) => Object.entries(nodes).find(([, fixture]) => fixture.addresses?.includes(ip))?.[0];
  return {
    witnesses: { flows, packets, verdicts },
    surroundings: {
      cluster: 'fixture',
      history: createClusterHistory(versions),
      rulesets: (node, family, from, to) => {
        const own = (snapshots.get(node) ?? []).filter((snapshot) => snapshot.family === family);
        if (own.length === 0) return [];
        return [{ before: own.findLast((s) => s.observedAt <= from), after: own.find((s) => s.observedAt >= to) }];
      },
      ipsets: () => undefined,
      routes: (node) => nodes[node]?.routes,
      covered: (node, channel) => nodes[node]?.complete?.includes(channel) ?? false,
      host: createHostFacts(notices, samples),
      nodeOfAddress: owner,
      localAddresses: (node) => nodes[node]?.addresses,
      knowsInterfaces: (node) => nodes[node]?.addresses !== undefined,
      conntrackWatermark: () => T0 + 3_600_000_000,
    },
  };
}
