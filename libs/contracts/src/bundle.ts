import { z } from 'zod';

const NO_TIME = 'must be a time, as 2026-11-20T22:40:00Z';

const instant = z
  .union([z.string(), z.date()], NO_TIME)
  .refine((value) => typeof value !== 'string' || !Number.isNaN(Date.parse(value)), NO_TIME)
  .transform((value) => (typeof value === 'string' ? value : value.toISOString()));

/** bundle.yaml: what the folder holds and what was captured without a gap. Unknown keys are kept out, not refused. */
export const bundleManifestSchema = z.object({
  version: z.literal(1),
  cluster: z.string().min(1),
  from: instant,
  to: instant,
  timezone: z.string().optional(),
  nodes: z
    .record(
      z.string(),
      z.object({
        complete: z.array(z.string()).default([]),
        dialect: z.string().optional(),
        kernel: z.string().optional(),
        limits: z.record(z.string(), z.unknown()).optional(),
      }),
    )
    .default({}),
});
export type BundleManifest = z.output<typeof bundleManifestSchema>;

/** What a file of a bundle is, worked out from its path alone. */
export interface BundleFile {
  /** Undefined for a flow log whose name says nothing: its first lines tell. */
  readonly format: string | undefined;
  /** metadata.name of the Node; null for what belongs to the whole cluster. */
  readonly node: string | null;
  /** Seconds since 1970 from the file's name, for snapshots. */
  readonly takenAt: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  /** Name of the file beside it whose text goes along as the attribute `mapping`. */
  readonly mapping?: string;
  /** A snapshot is one record and must not be split; a log may be cut between lines. */
  readonly splittable: boolean;
}

type Described = Omit<BundleFile, 'node' | 'takenAt'> & { readonly takenAt?: string | undefined };
type Describe = (match: RegExpExecArray) => Described;
type Row = readonly [RegExp, Describe];

const log = (format: string | undefined, attributes: Record<string, string> = {}): Described => ({
  format,
  attributes,
  splittable: true,
});
const snapshot = (format: string, takenAt: string | undefined, attributes: Record<string, string> = {}): Described => ({
  format,
  attributes,
  splittable: false,
  takenAt,
});
const backend = (legacy: string | undefined): Record<string, string> => (legacy ? { backend: 'legacy' } : {});
const group = (number: string | undefined): Record<string, string> => (number ? { group: number } : {});

const EPOCH = '(\\d{9,10}(?:\\.\\d+)?)';
/** `NAME.EPOCH.ENDING` */
const taken = (name: string, ending: string) => new RegExp(`^${name}\\.${EPOCH}\\.${ending}$`);
/** A log whose name begins so, whatever follows: a date, a number, the name of a node. */
const begins = (name: string) => new RegExp(`^(?:${name})(?:[._-][^/]*)?\\.(?:log|ndjson|jsonl|json|txt)$`);

/** Logs of network plugins: one file of the whole cluster in `flows/`, or one of each node. */
const FLOW_FILES: readonly Row[] = [
  [
    /^(mapped(?:[._-][^/]*)?)\.(?:ndjson|jsonl|log)$/,
    (m) => ({ ...log('mapped-json'), mapping: `${m[1]}.mapping.json` }),
  ],
  [begins('hubble|cilium'), () => log('cilium-hubble')],
  // A page of Whisker's REST interface is one document.
  [/^(?:calico-)?(?:whisker|goldmane)(?:[._-][^/]*)?\.json$/, () => snapshot('calico-whisker', undefined)],
  [begins('(?:calico-)?(?:whisker|goldmane)'), () => log('calico-whisker')],
  [begins('calico-flows?(?:-log)?'), () => log('calico-flow-log')],
  [begins('antrea-np|np|antrea'), () => log('antrea-np-log')],
  [begins('aws|network-policy-agent'), () => log('aws-network-policy-log')],
  [begins('ovn|acl-audit-log|ovn-acl'), () => log('ovn-acl-log')],
  [begins('gke|policy_action'), () => log('gke-policy-log')],
  [begins('contrail-session|contrail-vrouter-agent'), () => log('contrail-session-log')],
];

/** File names below `nodes/NODE/`, most specific first. */
const NODE_FILES: readonly Row[] = [
  [/^conntrack\.log$/, () => log('conntrack-events')],
  [/^conntrack\.xml$/, () => log('conntrack-xml')],
  [/^conntrack\.save$/, () => log('conntrack-save')],
  [/^nfct\.json$/, () => log('nfct-json')],
  [taken('(?:conntrack|nf_conntrack)', 'txt'), (m) => snapshot('conntrack-dump', m[1])],
  [taken('conntrack', 'xml'), (m) => snapshot('conntrack-xml', m[1])],
  [taken('conntrack', 'save'), (m) => snapshot('conntrack-save', m[1])],
  [taken('iptables(-legacy)?', 'save'), (m) => snapshot('iptables-save', m[2], backend(m[1]))],
  [taken('ip6tables(-legacy)?', 'save'), (m) => snapshot('ip6tables-save', m[2], backend(m[1]))],
  [taken('ipset', 'save'), (m) => snapshot('ipset-save', m[1])],
  [taken('ipset', 'txt'), (m) => snapshot('ipset-list', m[1])],
  [taken('nft', 'json'), (m) => snapshot('nft-json', m[1])],
  [/^nflog(?:\.(\d+))?\.log$/, (m) => log('nflog-gprint', group(m[1]))],
  [/^nflog(?:\.(\d+))?\.json$/, (m) => log('nflog-json', group(m[1]))],
  [/^kernel\.(?:log|json)$/, () => log('kernel-log')],
  [/^trace\.log$/, () => log('xtables-trace')],
  [new RegExp(`^interfaces(?:\\.${EPOCH})?\\.json$`), (m) => snapshot('interfaces', m[1])],
  [taken('routes', 'json'), (m) => snapshot('routes', m[1])],
  [taken('sysctl', 'txt'), (m) => snapshot('sysctl', m[1])],
  [taken('conntrack-stats', 'txt'), (m) => snapshot('conntrack-stats', m[1])],
  [taken('(?:proc-net|snmp6?|netstat|softnet_stat)', 'txt'), (m) => snapshot('proc-net-stats', m[1])],
  [taken('contrail-flow', 'txt'), (m) => snapshot('contrail-flow', m[1])],
  [/^weave-npc\.log$/, () => log('weave-npc-log')],
  [taken('metrics', 'prom'), (m) => snapshot('prometheus-text', m[1])],
  ...FLOW_FILES,
];

const CLUSTER_FILES: readonly Row[] = [
  [/^cluster\/events\.jsonl$/, () => log('kubernetes-events')],
  [/^cluster\/.+\.(?:ya?ml|json)$/, () => snapshot('kubernetes-objects', undefined)],
];

/** What else lies in `flows/` is a flow log of a kind that its lines tell. */
const ANY_FLOWS: readonly Row[] = [[/^[^/]+\.(?:ndjson|jsonl|json|log|txt)$/, () => log(undefined)]];

function find(rows: readonly Row[], name: string, node: string | null): BundleFile | undefined {
  for (const [pattern, describe] of rows) {
    const match = pattern.exec(name);
    if (match) return { takenAt: undefined, ...describe(match), node };
  }
  return undefined;
}

/** What the file at this path of a bundle is (`/` as separator); undefined when the layout does not know it. */
export function describeBundleFile(path: string): BundleFile | undefined {
  const inNode = /^nodes\/([^/]+)\/([^/]+)$/.exec(path);
  if (inNode) return find(NODE_FILES, inNode[2] ?? '', inNode[1] ?? null);
  const inFlows = /^flows\/([^/]+)$/.exec(path);
  if (inFlows) return find([...FLOW_FILES, ...ANY_FLOWS], inFlows[1] ?? '', null);
  return find(CLUSTER_FILES, path, null);
}
