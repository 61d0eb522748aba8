import type { KubernetesObject } from '@whydrop/model';
import { Registry } from 'prom-client';
import type { Source } from '../batch/source.js';
import type { Reader, Watch } from '../read/reader.js';
import type { Past } from '../readers.js';
import { discover, type Discovery, isGone } from './discover.js';
import { KindWatch, type KindListener, type KindWatchTimes } from './kind-watch.js';
import { CALICO_API, nameOf, type ServedKind, twinOf } from './kinds.js';
import { KubeApi } from './kube-api.js';
import { KnownObjects } from './known.js';
import { Teller, type ToldChange } from './told.js';
import { Outbox, type OutboxParts } from './outbox.js';
import { Troubles } from './troubles.js';
import { goneKinds, type ObjectKind, wantedKinds } from './wanted.js';
import { watchMetrics } from './watch-metrics.js';

/** The stream of object changes; a bundle has it under the same name. */
const SOURCE: Source = { stream: 'cluster/events.jsonl', format: 'kubernetes-events', class: 'control' };
/** Kinds that somebody installs or removes are found after this long. */
const DISCOVER_MS = 600_000;
const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;
/** After something was refused that a look may explain. */
const SOON_MS = 200;
/** How often it is noted that all is well. */
const ALIVE_MS = 5_000;
/** The name that looking for kinds has among troubles. */
const LOOK = 'kinds of the cluster';

export interface ClusterReaderTimes extends KindWatchTimes {
  readonly discoverMs?: number;
  readonly retryMs?: number;
  /** Until an answer begins. */
  readonly beginMs?: number;
  readonly aliveMs?: number;
}

export interface ClusterReaderParts extends OutboxParts {
  readonly kubeconfig: string | undefined;
  /** Folder of the spool. */
  readonly folder: string;
  readonly watch: Watch;
  readonly past: Pick<Past, 'cursor' | 'held'>;
  /** Nobody asks when there is none. */
  readonly registry?: Registry | undefined;
  readonly times?: ClusterReaderTimes;
}

const key = ({ group, kind }: ObjectKind) => `${group} ${kind}`;

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why a look is no whole one. */
function incomplete({ silent, missing }: Discovery): string | undefined {
  const [first] = silent;
  if (first) return `${first[0]} does not answer: ${first[1]}`;
  return missing.length === 0 ? undefined : `the API serves no ${missing.join(', ')} in a version that can be read`;
}

/** Watches every kind that decides who reaches whom, and tells what changes. */
export class ClusterReader implements Reader, KindListener {
  readonly name = 'cluster';
  private readonly kinds = new Map<string, KindWatch>();
  private readonly unlisted = new Set<string>();
  private readonly troubles = new Troubles();
  /** Kinds of Calico's API server that we may not list. */
  private readonly forbidden = new Set<string>();
  /** Kinds of which an earlier run knew objects, until they are watched again. */
  private readonly inherited = new Set<string>();
  private readonly metrics: ReturnType<typeof watchMetrics>;
  private known: KnownObjects | undefined;
  private teller: Teller | undefined;
  private outbox: Outbox | undefined;
  private saidWaiting: string | undefined;
  private readonly ending = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private alive: NodeJS.Timeout | undefined;
  private opening: Promise<void> = Promise.resolve();
  private looking = false;
  private lookAgain = false;
  /** How many looks in a row were not whole; and whether one ever was. */
  private failures = 0;
  private looked = false;
  private ended: Promise<void>[] = [];
  /** Until when an earlier run watched; undefined when this is the first. */
  private lastRun: number | undefined;

  constructor(private readonly parts: ClusterReaderParts) {
    this.metrics = watchMetrics([parts.registry ?? new Registry()]);
  }

  private get stopped(): boolean {
    return this.ending.signal.aborted;
  }

  start(): void {
    this.opening = this.open().catch((error: unknown) => {
      this.troubledBy(LOOK, textOf(error));
      if (!this.stopped) this.timer = setTimeout(() => this.start(), RETRY_MS);
    });
  }

  /** Why not everything is watched now. */
  get trouble(): string | undefined {
    if (this.troubles.first !== undefined) return this.troubles.first;
    if (this.kinds.size === 0) return 'the Kubernetes API was not reached yet';
    if (this.unlisted.size > 0) return `not listed yet: ${[...this.unlisted].join(', ')}`;
    return this.outbox?.trouble;
  }

  private troubledBy(name: string, reason: string): void {
    if (this.troubles.set(name, reason)) this.parts.watch.warn(this.name, `${name}: ${reason}`);
  }

  private async open(): Promise<void> {
    const { now } = this.parts.watch;
    const onDisk = (): number | undefined => {
      const n = this.parts.past.cursor(SOURCE.class, SOURCE.stream)?.['n'];
      return typeof n === 'number' ? n : undefined;
    };
    const known = await KnownObjects.open(this.parts.folder, onDisk, now());
    this.known = known;
    this.lastRun = known.lastAlive;
    for (const kind of known.kinds) this.inherited.add(key(kind));
    this.alive = setInterval(() => {
      this.sayWaiting();
      if (this.trouble === undefined && this.outbox?.empty) void known.alive(now());
    }, this.parts.times?.aliveMs ?? ALIVE_MS);
    this.teller = new Teller(known, now);
    this.outbox = new Outbox(SOURCE, known, this.parts);
    await this.look();
  }

  private sayWaiting(): void {
    const trouble = this.outbox?.trouble;
    if (trouble !== undefined && trouble !== this.saidWaiting) this.parts.watch.warn(this.name, trouble);
    this.saidWaiting = trouble;
  }

  /** Finds the kinds of the cluster, now and again. */
  private async look(): Promise<void> {
    this.looking = true;
    const reason = await this.lookOnce().catch(textOf);
    this.looking = false;
    if (this.stopped) return;
    if (reason === undefined) this.troubles.clear(LOOK);
    else this.troubledBy(LOOK, reason);
    this.failures = reason === undefined ? 0 : this.failures + 1;
    const { discoverMs = DISCOVER_MS, retryMs = RETRY_MS } = this.parts.times ?? {};
    const retry = Math.min(LONGEST_RETRY_MS, retryMs * 2 ** Math.min(this.failures - 1, 10));
    const usual = reason === undefined ? discoverMs : retry;
    this.lookIn(this.lookAgain ? SOON_MS : usual);
    this.lookAgain = false;
  }

  private lookIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.opening = this.look();
    }, ms);
  }

  private lookSoon(): void {
    if (this.looking) this.lookAgain = true;
    else if (this.teller && !this.stopped) this.lookIn(SOON_MS);
  }

  /** Gives why it was no whole look. */
  private async lookOnce(): Promise<string | undefined> {
    const { kubeconfig, times } = this.parts;
    const api = await KubeApi.open(kubeconfig, times?.beginMs);
    const found = await discover(api, this.ending.signal);
    const standing = this.standing;
    const known = (kind: ObjectKind) => standing.some((each) => key(each) === key(kind));
    const wanted = wantedKinds(found, { forbidden: this.forbidden, known });
    for (const kind of wanted) await this.follow(api, kind);
    let reason = incomplete(found);
    if (reason === undefined) this.looked = true;
    for (const kind of goneKinds(standing, wanted, found)) {
      if (await isGone(api, kind, this.ending.signal)) this.forget(kind);
      else reason ??= `${kind.kind} of ${kind.group} is not named by the API, and may be there`;
    }
    return reason;
  }

  /** Kinds that are watched, or of which objects were told. */
  private get standing(): readonly ObjectKind[] {
    const all = [...[...this.kinds.values()].map(({ kind }) => kind), ...(this.known?.kinds ?? [])];
    return [...new Map(all.map(({ group, kind }) => [key({ group, kind }), { group, kind }])).values()];
  }

  private async follow(api: KubeApi, kind: ServedKind): Promise<void> {
    const watched = this.kinds.get(nameOf(kind));
    if (this.stopped || watched?.kind.version === kind.version) return;
    await watched?.stop();
    if (!this.stopped) this.begin(api, kind, watched?.lastHeard);
  }

  private begin(api: KubeApi, kind: ServedKind, heard: number | undefined): void {
    const name = nameOf(kind);
    const watched = new KindWatch(kind, api, this, this.parts.watch.now, this.parts.times);
    this.kinds.set(name, watched);
    this.unlisted.add(name);
    // What somebody installed later was not there to be missed.
    const since = this.inherited.delete(key(kind)) || !this.looked ? this.lastRun : undefined;
    watched.start(heard ?? since);
  }

  /** The objects of a kind are not there any more, or are told by another name. */
  private forget(gone: ObjectKind): void {
    for (const [name, watched] of this.kinds) {
      if (key(watched.kind) !== key(gone)) continue;
      this.kinds.delete(name);
      this.unlisted.delete(name);
      this.troubles.clear(name);
      this.metrics.heard.remove({ kind: name });
      this.ended.push(watched.stop());
    }
    this.inherited.delete(key(gone));
    this.tell(this.teller?.gone(gone.group, gone.kind) ?? []);
  }

  listed(kind: ServedKind, objects: readonly KubernetesObject[], missed: number | undefined): void {
    const { watch } = this.parts;
    const unlisted = this.unlisted.delete(nameOf(kind));
    const first = unlisted && this.lastRun === undefined && this.known?.of(kind.group, kind.kind).length === 0;
    if (missed !== undefined) {
      const reason = missed === this.lastRun ? 'NOT_RUNNING' : 'EVENTS_LOST';
      const detail = `changes of ${nameOf(kind)} between two looks are told as one`;
      watch.lost({ stream: SOURCE.stream, reason, from: missed, to: watch.now(), detail });
    }
    this.tell(this.teller?.list(kind.group, kind.kind, objects, { first, missed }) ?? []);
    // The same objects under Calico's other name end when they stand under this one.
    const twin = twinOf(kind.group);
    if (twin !== undefined) this.forget({ group: twin, kind: kind.kind });
  }

  changed(_kind: ServedKind, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubernetesObject): void {
    this.tell(this.teller?.event(type, object) ?? []);
  }

  heard(kind: ServedKind): void {
    this.metrics.heard.set({ kind: nameOf(kind) }, this.parts.watch.now() / 1000);
  }

  well(kind: ServedKind): void {
    this.troubles.clear(nameOf(kind));
  }

  silent(kind: ServedKind): void {
    this.metrics.troubles.inc({ kind: nameOf(kind) });
  }

  troubled(kind: ServedKind, reason: string, status: number | undefined): void {
    const name = nameOf(kind);
    this.metrics.troubles.inc({ kind: name });
    this.troubledBy(name, reason);
    if (status === 404) this.lookSoon();
    if (status !== 403 || kind.group !== CALICO_API || this.forbidden.has(name)) return;
    this.forbidden.add(name);
    this.lookSoon();
  }

  room(): Promise<void> | undefined {
    return this.outbox?.room(this.ending.signal);
  }

  private tell(changes: readonly ToldChange[]): void {
    this.metrics.objects.set(this.known?.size ?? 0);
    this.outbox?.tell(changes);
  }

  async stop(): Promise<void> {
    const wellAt = this.trouble === undefined ? this.parts.watch.now() : undefined;
    this.ending.abort();
    clearTimeout(this.timer);
    await Promise.all([...this.kinds.values()].map((kind) => kind.stop()));
    await this.opening;
    clearInterval(this.alive);
    await Promise.all(this.ended);
    await this.known?.close();
    if (this.known?.trouble) return;
    await this.outbox?.told();
    if (wellAt !== undefined) await this.known?.alive(wellAt);
  }
}
