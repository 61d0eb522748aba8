import type { KubeApi } from './kube-api.js';
import { CALICO_API_KINDS, CORE_KINDS, nameOf, OPTIONAL_KINDS, type ServedKind, type WatchedKind } from './kinds.js';

interface Served {
  /** `group/version` of a named group, to the plural names of its resources. */
  readonly resources: ReadonlyMap<string, ReadonlySet<string>>;
}

interface GroupList {
  readonly groups: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[];
}

interface ResourceList {
  readonly resources: readonly { readonly name: string }[];
}

async function served(api: KubeApi, groups: ReadonlySet<string>): Promise<Served> {
  const { groups: all } = (await api.get('/apis')) as GroupList;
  const wanted = all.filter(({ name }) => groups.has(name));
  const versions = wanted.flatMap(({ name, versions }) => versions.map(({ version }) => `${name}/${version}`));
  const lists = await Promise.all(
    versions.map(async (version) => {
      const { resources } = (await api.get(`/apis/${version}`)) as ResourceList;
      return [version, new Set(resources.map(({ name }) => name))] as const;
    }),
  );
  return { resources: new Map(lists) };
}

function choose({ resources }: Served, kind: WatchedKind): ServedKind | undefined {
  const version = kind.versions.find((each) => resources.get(`${kind.group}/${each}`)?.has(kind.plural));
  return version === undefined ? undefined : { ...kind, version };
}

/**
 * The kinds that this cluster has, each in the best version that we read. Calico's objects are read once: through its API
 * server where that runs, else as custom resources. Throws when a kind that every cluster has is missing.
 */
export async function discover(api: KubeApi): Promise<readonly ServedKind[]> {
  const all = [...CORE_KINDS, ...OPTIONAL_KINDS, ...CALICO_API_KINDS];
  const found = await served(api, new Set(all.map(({ group }) => group).filter((group) => group !== '')));
  const core = CORE_KINDS.map((kind) => {
    const chosen = kind.group === '' ? { ...kind, version: 'v1' } : choose(found, kind);
    if (!chosen) throw new Error(`the API serves no ${nameOf(kind)} in a version that can be read`);
    return chosen;
  });
  const pick = (kinds: readonly WatchedKind[]) => kinds.flatMap((kind) => choose(found, kind) ?? []);
  const throughServer = pick(CALICO_API_KINDS);
  const doubled = new Set(throughServer.map(({ kind }) => kind));
  const optional = pick(OPTIONAL_KINDS).filter(
    ({ group, kind }) => group !== 'crd.projectcalico.org' || !doubled.has(kind),
  );
  return [...core, ...optional, ...throughServer];
}
