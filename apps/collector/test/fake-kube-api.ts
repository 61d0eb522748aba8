import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubernetesObject } from '@whydrop/model';

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly path: string;
  readonly object: KubernetesObject;
}

interface Stream {
  readonly path: string;
  readonly response: http.ServerResponse;
  stalled: boolean;
}

const CORE = ['namespaces', 'nodes', 'pods', 'services'];
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'discovery.k8s.io/v1': ['endpointslices'],
  'networking.k8s.io/v1': ['networkpolicies'],
  'policy.networking.k8s.io/v1alpha1': ['adminnetworkpolicies'],
};

/**
 * List and watch as kube-apiserver speaks them over HTTP: resourceVersions, pages, bookmarks, 410 Gone. It can be told to
 * misbehave the ways real ones do: cut, stall, forget, repeat, send late, be away.
 */
export class FakeKubeApi {
  private readonly objects = new Map<string, KubernetesObject>();
  private history: Change[] = [];
  private forgotten = 0;
  private streams: Stream[] = [];
  private server: http.Server | undefined;
  private port = 0;
  private version = 100;
  private bookmarks: NodeJS.Timeout | undefined;
  private readonly groups = new Map(Object.entries(GROUPS));
  private readonly broken = new Map<string, number>();
  private readonly hidden = new Set<string>();
  private bookmarking = true;
  lists = 0;
  /** How long each watch was open that is closed, in milliseconds. */
  readonly lifetimes: number[] = [];
  /** Requests by path, those that were refused too. */
  readonly asked = new Map<string, number>();

  async listen(): Promise<void> {
    this.server = http.createServer((request, response) => this.answer(request, response));
    await new Promise<void>((resolve) => this.server?.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    this.bookmarks = setInterval(() => this.bookmark(), 50);
  }

  async close(): Promise<void> {
    clearInterval(this.bookmarks);
    const closed = new Promise<void>((resolve) => this.server?.close(() => resolve()));
    this.server?.closeAllConnections();
    this.streams = [];
    await closed;
  }

  /** A kubeconfig that leads here. */
  get kubeconfig(): string {
    const cluster = {
      name: 'c',
      cluster: { server: `http://127.0.0.1:${this.port}`, 'insecure-skip-tls-verify': true },
    };
    const user = { name: 'u', user: { token: 'secret' } };
    const context = { name: 'x', context: { cluster: 'c', user: 'u' } };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users: [user],
      contexts: [context],
      'current-context': 'x',
    });
  }

  /** Everything there is, by path and name. */
  get truth(): ReadonlyMap<string, KubernetesObject> {
    return new Map([...this.objects].filter(([key]) => this.serves(key.split(' ')[0] ?? '')));
  }

  private serves(path: string): boolean {
    if (path.startsWith('/api/v1/')) return CORE.includes(path.replace('/api/v1/', ''));
    const [, group = '', plural = ''] = /^\/apis\/(.+)\/([^/]+)$/.exec(path) ?? [];
    return this.groups.get(group)?.includes(plural) ?? false;
  }

  /** Somebody installs a `group/version`. */
  serve(group: string, plurals: readonly string[]): void {
    this.groups.set(group, plurals);
  }

  /** Somebody removes a `group/version`, and with it what is watched there. */
  withdraw(group: string): void {
    this.groups.delete(group);
    this.cutBelow(`/apis/${group}/`);
  }

  /** A `group/version` is served and not named, as by a server that has just begun. */
  hide(group: string): void {
    this.hidden.add(group);
  }

  /** What lies at a path or below it is answered with a status, with nothing at all (0), or well again (200). */
  break(path: string, status: number): void {
    if (status === 200) this.broken.delete(path);
    else this.broken.set(path, status);
    this.cutBelow(path);
  }

  private cutBelow(path: string): void {
    for (const stream of this.streams) if (stream.path.startsWith(path)) stream.response.destroy();
    this.streams = this.streams.filter((stream) => !stream.path.startsWith(path));
  }

  /** Watches say nothing as long as nothing happens. */
  withoutBookmarks(): void {
    this.bookmarking = false;
  }

  /** How many watches are open. */
  get watches(): number {
    return this.streams.length;
  }

  put(path: string, object: KubernetesObject): void {
    const key = `${path} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const version = ++this.version;
    const type = this.objects.has(key) ? 'MODIFIED' : 'ADDED';
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    this.objects.set(key, stored);
    this.record({ version, type, path, object: stored });
  }

  remove(path: string, namespace: string, name: string): void {
    const key = `${path} ${namespace}/${name}`;
    const object = this.objects.get(key);
    if (!object) return;
    this.objects.delete(key);
    const version = ++this.version;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    this.record({ version, type: 'DELETED', path, object: last });
  }

  private record(change: Change): void {
    this.history.push(change);
    for (const stream of this.streams) if (stream.path === change.path) this.send(stream, change.type, change.object);
  }

  private send({ response, stalled }: Stream, type: string, object: unknown): void {
    if (!stalled) response.write(`${JSON.stringify({ type, object })}\n`);
  }

  private bookmark(): void {
    if (!this.bookmarking) return;
    for (const stream of this.streams)
      this.send(stream, 'BOOKMARK', { metadata: { resourceVersion: String(this.version) } });
  }

  /** Connections break. */
  cut(): void {
    for (const { response } of this.streams) response.destroy();
    this.streams = [];
  }

  /** Watches stay open and say nothing any more. */
  stall(): void {
    for (const stream of this.streams) stream.stalled = true;
  }

  /** What happened so far is not remembered. */
  forget(): void {
    this.forgotten = this.version;
    this.history = [];
  }

  /** Says the last changes once more, in another order. */
  repeat(count: number, order: (changes: readonly Change[]) => readonly Change[]): void {
    for (const { path, type, object } of order(this.history.slice(-count)))
      for (const stream of this.streams) if (stream.path === path) this.send(stream, type, object);
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    this.asked.set(url.pathname, (this.asked.get(url.pathname) ?? 0) + 1);
    const status = [...this.broken].find(([path]) => `${url.pathname}/`.startsWith(`${path}/`))?.[1];
    if (status === 0) return;
    if (status !== undefined) return this.json(response, status, { message: `it answers ${status}` });
    if (request.headers.authorization !== 'Bearer secret') return this.json(response, 401, { message: 'who are you?' });
    if (url.pathname === '/apis')
      return this.json(response, 200, {
        groups: groups([...this.groups.keys()].filter((group) => !this.hidden.has(group))),
      });
    const plurals = this.groups.get(url.pathname.replace('/apis/', ''));
    if (plurals) return this.json(response, 200, { resources: plurals.map((name) => ({ name })) });
    if (!this.serves(url.pathname)) return this.json(response, 404, { message: 'no such resource' });
    if (url.searchParams.get('watch') === 'true') return this.watch(url, response);
    this.list(url, response);
  }

  private json(response: http.ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  /** Pages of two, so that there are some. */
  private list(url: URL, response: http.ServerResponse): void {
    this.lists++;
    const all = [...this.objects].filter(([key]) => key.startsWith(`${url.pathname} `)).map(([, object]) => object);
    const start = Number(url.searchParams.get('continue') ?? 0);
    const items = all.slice(start, start + 2).map(({ apiVersion: _version, kind: _kind, ...rest }) => rest);
    const more = start + 2 < all.length ? { continue: String(start + 2) } : {};
    this.json(response, 200, { metadata: { resourceVersion: String(this.version), ...more }, items });
  }

  private watch(url: URL, response: http.ServerResponse): void {
    const since = Number(url.searchParams.get('resourceVersion'));
    const path = url.pathname;
    response.writeHead(200, { 'content-type': 'application/json' });
    if (since < this.forgotten) {
      const object = { kind: 'Status', code: 410, message: 'too old resource version', metadata: {} };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    const stream = { path, response, stalled: false };
    for (const change of this.history)
      if (change.path === path && change.version > since) this.send(stream, change.type, change.object);
    this.streams.push(stream);
    const opened = performance.now();
    response.once('close', () => {
      this.streams = this.streams.filter((each) => each !== stream);
      this.lifetimes.push(performance.now() - opened);
    });
    response.flushHeaders();
  }
}

function groups(served: Iterable<string>): readonly object[] {
  return [...served].map((each) => {
    const [name, version] = each.split('/');
    return { name, versions: [{ groupVersion: each, version }] };
  });
}
