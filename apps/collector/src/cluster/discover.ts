import { ApiAnswer, type KubeApi } from './kube-api.js';
import { ALL_KINDS, CORE_KINDS, nameOf, pathOf, type ServedKind, type WatchedKind } from './kinds.js';
import type { ObjectKind } from './wanted.js';

/** What the API said of the kinds that we know. */
export interface Discovery {
  /** Each in the best version that we read; Calico's in both of its groups where both are served. */
  readonly served: readonly ServedKind[];
  /** Groups that the API names and that did not answer, with the reason. What they serve is not known. */
  readonly silent: ReadonlyMap<string, string>;
  /** Names of kinds that every cluster has and this one does not serve. */
  readonly missing: readonly string[];
}

interface GroupList {
  readonly groups: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[];
}

interface ResourceList {
  readonly resources: readonly { readonly name: string }[];
}

/** `group/version` to the plural names of its resources, or to why it did not answer. */
type Answers = ReadonlyMap<string, ReadonlySet<string> | Error>;

const GROUPS: ReadonlySet<string> = new Set(ALL_KINDS.map(({ group }) => group).filter((group) => group !== ''));

async function resourcesOf(api: KubeApi, version: string, signal: AbortSignal): Promise<ReadonlySet<string> | Error> {
  try {
    const { resources } = (await api.get(`/apis/${version}`, signal)) as ResourceList;
    return new Set(resources.map(({ name }) => name));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function ask(api: KubeApi, signal: AbortSignal): Promise<Answers> {
  const { groups } = (await api.get('/apis', signal)) as GroupList;
  const versions = groups
    .filter(({ name }) => GROUPS.has(name))
    .flatMap(({ name, versions }) => versions.map(({ version }) => `${name}/${version}`));
  const answers = versions.map(async (version) => [version, await resourcesOf(api, version, signal)] as const);
  return new Map(await Promise.all(answers));
}

function choose(answers: Answers, kind: WatchedKind): ServedKind | undefined {
  if (kind.group === '') return { ...kind, version: 'v1' };
  const version = kind.versions.find((each) => {
    const answer = answers.get(`${kind.group}/${each}`);
    return answer instanceof Set && answer.has(kind.plural);
  });
  return version === undefined ? undefined : { ...kind, version };
}

/** The kinds that this cluster has. Rejects when the API does not even name its groups. */
export async function discover(api: KubeApi, signal: AbortSignal): Promise<Discovery> {
  const answers = await ask(api, signal);
  const silent = [...answers].flatMap(([version, answer]) =>
    answer instanceof Error ? [[version.split('/')[0] ?? '', answer.message] as const] : [],
  );
  const missing = CORE_KINDS.filter((kind) => choose(answers, kind) === undefined).map(nameOf);
  return { served: ALL_KINDS.flatMap((kind) => choose(answers, kind) ?? []), silent: new Map(silent), missing };
}

/** An API server that has just begun names its groups one after the other: what it does not name is asked for once more. */
export async function isGone(api: KubeApi, { group, kind }: ObjectKind, signal: AbortSignal): Promise<boolean> {
  const own = ALL_KINDS.filter((each) => each.group === group && each.kind === kind);
  const paths = own.flatMap((each) => each.versions.map((version) => pathOf({ ...each, version })));
  const answers = paths.map(async (path) => {
    const status = await api.get(`${path}?limit=1`, signal).then(
      () => 200,
      (error: unknown) => (error instanceof ApiAnswer ? error.status : 0),
    );
    // Who may not ask is told so before it is looked whether there is such a thing.
    return status === 404 || status === 403;
  });
  return (await Promise.all(answers)).every(Boolean);
}
