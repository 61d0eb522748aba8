import { Inject, Injectable } from '@nestjs/common';
import { createClusterHistory, type ClusterView } from '@whydrop/explain';
import type { ConnectionEnd, Instant, KubernetesObject } from '@whydrop/model';
import { readWorld, readWorldVersion, worldStatement, type Reader } from '@whydrop/storage';
import { LRUCache } from 'lru-cache';
import { READER } from '../../options.js';
import { notFound } from '../server/graphql-error.js';

/** A cluster at one instant, and what it was made of. */
export interface World {
  readonly objects: readonly KubernetesObject[];
  readonly view: ClusterView;
}

/** What somebody would like to try: policies that come or change, and keys of policies that go. */
export interface Proposal {
  readonly policies: readonly KubernetesObject[];
  readonly without: readonly string[];
}

const MINUTE = 60_000_000;

function groupOf({ apiVersion }: KubernetesObject): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

/** As the key of a policy is, without its cluster. */
function identityOf(object: KubernetesObject): string {
  const { kind, metadata } = object;
  return `${groupOf(object)}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

function worldOf(objects: readonly KubernetesObject[]): World {
  const versions = objects.map((object) => ({ object, validFrom: 0, validTo: undefined }));
  return { objects, view: createClusterHistory(versions).at(0) };
}

/** The same cluster with a proposal carried out. */
export function worldWith({ objects }: World, cluster: string, { policies, without }: Proposal): World {
  const gone = new Set([
    ...policies.map(identityOf),
    ...without.filter((key) => key.startsWith(`${cluster}/`)).map((key) => key.slice(cluster.length + 1)),
  ]);
  return worldOf([...objects.filter((object) => !gone.has(identityOf(object))), ...policies]);
}

/** Which pod or node has an address; else the address itself. */
export function endOfAddress({ view }: World, ip: string): ConnectionEnd {
  const [pod] = view.podsByIp(ip);
  if (pod) return { kind: 'pod', namespace: pod.namespace, name: pod.name, ip };
  const node = view.nodeByIp(ip);
  return node ? { kind: 'node', name: node.name, ip } : { kind: 'address', ip };
}

/** Clusters as they were; the last few are kept, because questions come in rows. */
@Injectable()
export class WorldService {
  private readonly kept = new LRUCache<string, World>({ max: 4 });

  constructor(@Inject(READER) private readonly reader: Reader) {}

  /** Throws NOT_FOUND when nothing is stored of the cluster. */
  async at(cluster: string, at: Instant): Promise<World> {
    const newest = await readWorldVersion(this.reader, cluster);
    if (newest === null) throw notFound(`cluster ${cluster} of which objects are stored`);
    const key = JSON.stringify([cluster, newest, at]);
    const known = this.kept.get(key);
    if (known) return known;
    const world = worldOf(await readWorld(this.reader, worldStatement(cluster, at)));
    this.kept.set(key, world);
    return world;
  }

  /** Now, to the minute, so that questions that follow each other share what was read. */
  now(cluster: string, now: Instant): Promise<World> {
    return this.at(cluster, Math.floor(now / MINUTE) * MINUTE + MINUTE);
  }
}
