import http from 'node:http';
import https from 'node:https';
import type { KubeConfig, Watch } from '@kubernetes/client-node';
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

/** An open watch; `ended` resolves when the server closed it and rejects when it broke. */
export interface OpenWatch {
  readonly ended: Promise<void>;
  stop(): void;
}

const TIMEOUT_MS = 60_000;
const PAGE = 500;
/** The server ends a watch after this long, in seconds; the next one goes on where it ended. */
const WATCH_SECONDS = 300;

/** The Kubernetes API as the watcher uses it: it reads, and nothing else. */
export class KubeApi {
  private constructor(
    private readonly config: KubeConfig,
    private readonly watcher: Watch,
    private readonly server: string,
  ) {}

  /** From a kubeconfig file, or from where the process runs: the pod's service account, KUBECONFIG, ~/.kube/config. */
  static async open(kubeconfig: string | undefined): Promise<KubeApi> {
    // The client is large, and a node's collector never needs it.
    const { KubeConfig: Config, Watch: Watcher } = await import('@kubernetes/client-node');
    const config = new Config();
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error('no cluster is named in the kubeconfig, and this is no pod');
    return new KubeApi(config, new Watcher(config), cluster.server);
  }

  async get(path: string): Promise<unknown> {
    const url = new URL(this.server + path);
    const options: https.RequestOptions = { method: 'GET', headers: { accept: 'application/json' } };
    await this.config.applyToHTTPSOptions(options);
    const { request } = url.protocol === 'http:' ? http : https;
    const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const sent = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject);
        response.once('end', () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
        });
      });
      sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      sent.once('error', reject).end();
    });
    if (status !== 200) throw new ApiAnswer(status, `GET ${path}: ${status} ${messageOf(body)}`);
    return JSON.parse(body) as unknown;
  }

  /** All objects below a path, page by page; the resourceVersion is that of the first page, which all pages have. */
  async list(path: string): Promise<Page> {
    const items: KubernetesObject[] = [];
    let next = '';
    for (;;) {
      const page = (await this.get(`${path}?limit=${PAGE}${next}`)) as Page;
      items.push(...page.items);
      const { continue: more } = page.metadata;
      if (more === undefined || more === '') return { items, metadata: page.metadata };
      next = `&continue=${encodeURIComponent(more)}`;
    }
  }

  /** Everything that changes below a path after a resourceVersion. */
  watch(path: string, resourceVersion: string, onEvent: (event: WatchEvent) => void): OpenWatch {
    let stop: () => void = () => undefined;
    const ended = new Promise<void>((resolve, reject) => {
      let stopped = false;
      const done = (error: unknown) => (error === null || error === undefined ? resolve() : reject(error as Error));
      const query = { resourceVersion, allowWatchBookmarks: true, timeoutSeconds: WATCH_SECONDS };
      const opened = this.watcher.watch(
        path,
        query,
        (type: string, object: WatchEvent['object']) => {
          if (!stopped) onEvent({ type, object });
        },
        done,
      );
      stop = () => {
        stopped = true;
        void opened.then((controller) => controller.abort()).catch(() => undefined);
        resolve();
      };
      opened.catch(reject);
    });
    return { ended, stop: () => stop() };
  }
}

function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown };
    return typeof message === 'string' ? message.slice(0, 300) : '';
  } catch {
    return body.slice(0, 300);
  }
}
