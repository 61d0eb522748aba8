import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { clusterObjects, policyObject } from './cluster-objects.js';
import { dialectNamed } from './dialects/registry.js';
import type { LabPolicy, ObjectChange, Scenario } from './scenario.js';

/** Seconds since 1970 as RFC 3339 in UTC. */
export const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

const yaml = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false });
const wholeSeconds = (seconds: number): string => `${iso(seconds).slice(0, 19)}Z`;

/** One change of a policy while the capture ran. */
export interface PolicyEvent {
  readonly at: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly policy: LabPolicy;
}

/** One change of another object while the capture ran. */
export interface ObjectEvent extends ObjectChange {
  readonly at: number;
}

type Event = PolicyEvent | ObjectEvent;

/** The object as it is then: each change is a revision of its own. */
function changedObject({ at, object }: ObjectEvent, created: string, revision: number): object {
  const made = object(created, wholeSeconds(at));
  const metadata = made['metadata'] as Readonly<Record<string, unknown>>;
  const resourceVersion = `${Number(metadata['resourceVersion']) + revision}`;
  return { ...made, metadata: { ...metadata, resourceVersion } };
}

/** A policy that was changed keeps its birthday; each change is a revision of its own. */
function eventLines(events: readonly Event[], bornBefore: string): string {
  const born = new Map<string, string>();
  return events
    .map((event, index) => {
      if (!('policy' in event)) {
        const object = changedObject(event, bornBefore, index + 1);
        return `${JSON.stringify({ at: iso(event.at), type: event.type, object })}\n`;
      }
      const key = `${event.policy.namespace ?? ''}/${event.policy.name}`;
      if (event.type === 'ADDED') born.set(key, wholeSeconds(event.at));
      const object = policyObject(event.policy, born.get(key) ?? bornBefore, index + 1);
      return `${JSON.stringify({ at: iso(event.at), type: event.type, object })}\n`;
    })
    .join('');
}

export interface BundleFacts {
  readonly from: number;
  readonly to: number;
  readonly events: readonly Event[];
  /** Channels that every node recorded without a gap. */
  readonly complete: readonly string[];
}

/** Writes bundle.yaml and the cluster's objects; everything exists since an hour before the capture. */
export function writeBundle(scenario: Scenario, folder: string, facts: BundleFacts): void {
  mkdirSync(join(folder, 'cluster'), { recursive: true });
  const created = wholeSeconds(facts.from - 3600);
  for (const [name, objects] of clusterObjects(scenario, created)) {
    writeFileSync(join(folder, 'cluster', name), objects.map((object) => `---\n${yaml(object)}`).join(''));
  }
  if (facts.events.length > 0) {
    writeFileSync(join(folder, 'cluster', 'events.jsonl'), eventLines(facts.events, created));
  }
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim().replace(/-.*$/, '');
  const dialect = dialectNamed(scenario.dialect).name;
  const entry = { complete: facts.complete, dialect, kernel };
  const nodes = Object.fromEntries(scenario.nodes.map((node) => [node.name, entry]));
  const { cluster } = scenario;
  const manifest = { version: 1, cluster, from: iso(facts.from), to: iso(facts.to), timezone: 'UTC', nodes };
  writeFileSync(join(folder, 'bundle.yaml'), yaml(manifest));
}

/** Only a capture that went well replaces the one that lies there. */
export function publish(bundle: string, folder: string, truth: readonly object[]): void {
  const target = join(folder, 'bundle');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(bundle, target, { recursive: true });
  writeFileSync(join(folder, 'truth.jsonl'), truth.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
