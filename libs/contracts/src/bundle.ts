import { z } from 'zod';

const instant = z
  .union([z.string(), z.date()])
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
  readonly format: string;
  readonly node: string | null;
  /** Seconds since 1970 from the file's name, for snapshots. */
  readonly takenAt: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  /** A snapshot is one record and must not be split; a log may be cut between lines. */
  readonly splittable: boolean;
}

type Describe = (match: RegExpExecArray) => Omit<BundleFile, 'node' | 'takenAt'> & { readonly takenAt?: string };

const log = (format: string, attributes: Record<string, string> = {}) => ({ format, attributes, splittable: true });
const snapshot = (format: string, takenAt: string | undefined, attributes: Record<string, string> = {}) => ({
  format,
  attributes,
  splittable: false,
  ...(takenAt === undefined ? {} : { takenAt }),
});
const backend = (legacy: string | undefined): Record<string, string> => (legacy ? { backend: 'legacy' } : {});
const EPOCH = '(\\d{9,10}(?:\\.\\d+)?)';

/** File names below `nodes/NODE/`, most specific first. */
const NODE_FILES: readonly (readonly [RegExp, Describe])[] = [
  [/^conntrack\.log$/, () => log('conntrack-events')],
  [new RegExp(`^conntrack\\.${EPOCH}\\.txt$`), (m) => snapshot('conntrack-dump', m[1])],
  [new RegExp(`^iptables(-legacy)?\\.${EPOCH}\\.save$`), (m) => snapshot('iptables-save', m[2], backend(m[1]))],
  [new RegExp(`^ip6tables(-legacy)?\\.${EPOCH}\\.save$`), (m) => snapshot('ip6tables-save', m[2], backend(m[1]))],
  [new RegExp(`^ipset\\.${EPOCH}\\.save$`), (m) => snapshot('ipset-save', m[1])],
  [new RegExp(`^nft\\.${EPOCH}\\.json$`), (m) => snapshot('nft-json', m[1])],
  [/^nflog(?:\.(\d+))?\.log$/, (m) => log('nflog-gprint', m[1] ? { group: m[1] } : {})],
  [/^nflog(?:\.(\d+))?\.json$/, (m) => log('nflog-json', m[1] ? { group: m[1] } : {})],
  [/^kernel\.log$/, () => log('kernel-log')],
  [/^trace\.log$/, () => log('xtables-trace')],
  [new RegExp(`^interfaces(?:\\.${EPOCH})?\\.json$`), (m) => snapshot('interfaces', m[1])],
  [new RegExp(`^routes\\.${EPOCH}\\.json$`), (m) => snapshot('routes', m[1])],
  [new RegExp(`^sysctl\\.${EPOCH}\\.txt$`), (m) => snapshot('sysctl', m[1])],
  [new RegExp(`^conntrack-stats\\.${EPOCH}\\.txt$`), (m) => snapshot('conntrack-stats', m[1])],
  [new RegExp(`^contrail-flow\\.${EPOCH}\\.txt$`), (m) => snapshot('contrail-flow', m[1])],
  [/^weave-npc\.log$/, () => log('weave-npc-log')],
  [new RegExp(`^metrics\\.${EPOCH}\\.prom$`), (m) => snapshot('prometheus-text', m[1])],
];

function describeClusterFile(path: string): BundleFile | undefined {
  if (path === 'cluster/events.jsonl') return { ...log('kubernetes-events'), node: null, takenAt: undefined };
  if (!/^cluster\/.+\.(ya?ml|json)$/.test(path)) return undefined;
  return { ...snapshot('kubernetes-objects', undefined), node: null, takenAt: undefined };
}

/** What the file at this path of a bundle is (`/` as separator); undefined when the layout does not know it. */
export function describeBundleFile(path: string): BundleFile | undefined {
  const inNode = /^nodes\/([^/]+)\/([^/]+)$/.exec(path);
  if (!inNode) return describeClusterFile(path);
  for (const [pattern, describe] of NODE_FILES) {
    const match = pattern.exec(inNode[2] ?? '');
    if (match) return { takenAt: undefined, ...describe(match), node: inNode[1] ?? null };
  }
  return undefined;
}
