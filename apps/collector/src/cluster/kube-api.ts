import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubernetesObject } from '@whydrop/model';

/** An answer of the API that is not the one asked for. */
export class ApiAnswer extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Page {
  readonly items: readonly KubernetesObject[];
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
}

/** One line of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: KubernetesObject & { readonly code?: number; readonly message?: string };
}

/** What a watch tells. */
export interface WatchTakers {
  /** The server took the watch. */
  opened(): void;
  /** Nothing more is read from the server until what this gives has resolved. */
  event(event: WatchEvent): Promise<void> | void;
}

/** An open watch; `ended` resolves when the server closed it or it was stopped, and rejects when it broke. */
export interface OpenWatch {
  readonly ended: Promise<void>;
  stop(): void;
}

/** Silence in the middle of an answer. */
const TIMEOUT_MS = 60_000;
/** Until an answer begins. */
const BEGIN_MS = 30_000;
const KEEP_ALIVE_MS = 30_000;
const PAGE = 500;
/** The server ends a watch after this long, in seconds; the next one goes on where it ended. */
const WATCH_SECONDS = 300;

/**
 * The Kubernetes API as the watcher uses it: it reads, and nothing else. Watches are read here and not by the client
 * library: that one cannot be stopped before it has an answer, nor be made to wait.
 */
export class KubeApi {
  private constructor(
    private readonly config: KubeConfig,
    private readonly server: string,
    private readonly beginMs: number,
  ) {}

  /** From a kubeconfig file, or from where the process runs: the pod's service account, KUBECONFIG, ~/.kube/config. */
  static async open(kubeconfig: string | undefined, beginMs = BEGIN_MS): Promise<KubeApi> {
    // The client is large, and a node's collector never needs it.
    const { KubeConfig: Config } = await import('@kubernetes/client-node');
    const config = new Config();
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error('no cluster is named in the kubeconfig, and this is no pod');
    return new KubeApi(config, cluster.server, beginMs);
  }

  /** An answer of which the head is there; its body comes as it is read. */
  private async ask(path: string, signal?: AbortSignal): Promise<http.IncomingMessage> {
    const url = new URL(this.server + path);
    const options: https.RequestOptions = { method: 'GET', headers: { accept: 'application/json' } };
    await this.config.applyToHTTPSOptions(options);
    const { request } = url.protocol === 'http:' ? http : https;
    return await new Promise((resolve, reject) => {
      const sent = request(url, { ...options, ...(signal ? { signal } : {}) }, resolve);
      const late = () => sent.destroy(new Error(`GET ${path}: no answer within ${this.beginMs / 1000} s`));
      const timer = setTimeout(late, this.beginMs);
      sent.once('close', () => clearTimeout(timer)).once('response', () => clearTimeout(timer));
      sent.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      sent.once('error', reject).end();
    });
  }

  private async text(response: http.IncomingMessage): Promise<string> {
    response.setTimeout(TIMEOUT_MS, () => response.destroy(new Error(`the answer stopped for ${TIMEOUT_MS / 1000} s`)));
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  private async refusal(path: string, response: http.IncomingMessage): Promise<ApiAnswer> {
    const status = response.statusCode ?? 0;
    return new ApiAnswer(status, `GET ${path}: ${status} ${messageOf(await this.text(response))}`);
  }

  async get(path: string, signal?: AbortSignal): Promise<unknown> {
    const response = await this.ask(path, signal);
    if (response.statusCode !== 200) throw await this.refusal(path, response);
    return JSON.parse(await this.text(response)) as unknown;
  }

  /** All objects below a path, page by page; the resourceVersion is that of the first page, which all pages have. */
  async list(path: string, signal?: AbortSignal): Promise<Page> {
    const items: KubernetesObject[] = [];
    let next = '';
    for (;;) {
      const page = (await this.get(`${path}?limit=${PAGE}${next}`, signal)) as Page;
      items.push(...page.items);
      const { continue: more } = page.metadata;
      if (more === undefined || more === '') return { items, metadata: page.metadata };
      next = `&continue=${encodeURIComponent(more)}`;
    }
  }

  /** Everything that changes below a path after a resourceVersion, one after the other. */
  watch(path: string, resourceVersion: string, takers: WatchTakers): OpenWatch {
    const stopping = new AbortController();
    const words = { watch: 'true', resourceVersion, allowWatchBookmarks: 'true', timeoutSeconds: `${WATCH_SECONDS}` };
    const ended = this.read(path, new URLSearchParams(words), takers, stopping.signal).catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
    return { ended, stop: () => stopping.abort() };
  }

  private async read(path: string, query: URLSearchParams, takers: WatchTakers, signal: AbortSignal): Promise<void> {
    const response = await this.ask(`${path}?${query.toString()}`, signal);
    if (response.statusCode !== 200) throw await this.refusal(path, response);
    takers.opened();
    let rest = '';
    response.setEncoding('utf8');
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (signal.aborted) return;
        if (line.trim() !== '') await takers.event(eventOf(line));
      }
    }
  }
}

/** The event in a line; a line that holds none is no silence: the watch is begun again. */
function eventOf(line: string): WatchEvent {
  const event = JSON.parse(line) as WatchEvent;
  if (typeof event.type !== 'string' || typeof event.object !== 'object' || event.object === null)
    throw new Error(`a watch said what is no event: ${line.slice(0, 200)}`);
  return event;
}

function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown };
    return typeof message === 'string' ? message.slice(0, 300) : '';
  } catch {
    return body.slice(0, 300);
  }
}
