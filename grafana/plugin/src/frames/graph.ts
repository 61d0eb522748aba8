import { FieldType, type DataFrame, type Field } from '@grafana/data';
import type { DropGroup, GraphAnswer, GroupEnd } from '../query/answers';
import type { CompleteQuery } from '../query/defaults';
import { groupLink, type PageUrl } from './links';
import { plain, scopedName } from './words';

interface Node {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  /** Drops of connections it opened, and of those opened to it. */
  from: number;
  to: number;
}

interface Edge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  drops: number;
  readonly groups: DropGroup[];
}

const SENDS = { fixedColor: 'orange', mode: 'fixed' };
const RECEIVES = { fixedColor: 'red', mode: 'fixed' };

function idOf(cluster: string, end: GroupEnd): string {
  return [cluster, end.kind, scopedName(end)].join('|');
}

function nodeAt(nodes: Map<string, Node>, cluster: string, end: GroupEnd): Node {
  const id = idOf(cluster, end);
  const found = nodes.get(id) ?? { id, title: scopedName(end), subtitle: `${end.kind} · ${cluster}`, from: 0, to: 0 };
  nodes.set(id, found);
  return found;
}

/** Who is blocked from whom: an edge per pair of ends, however many groups of drops are between them. */
function fold(groups: readonly DropGroup[]): { readonly nodes: Node[]; readonly edges: Edge[] } {
  const nodes = new Map<string, Node>();
  const edges = new Map<string, Edge>();
  for (const group of groups) {
    const drops = Number(group.drops);
    const source = nodeAt(nodes, group.cluster, group.source);
    const target = nodeAt(nodes, group.cluster, group.destination);
    source.from += drops;
    target.to += drops;
    const id = `${source.id}>${target.id}`;
    const edge = edges.get(id) ?? { id, source: source.id, target: target.id, drops: 0, groups: [] };
    edge.drops += drops;
    edge.groups.push(group);
    edges.set(id, edge);
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

function field(name: string, values: readonly unknown[], config: Field['config'] = {}): Field {
  const type = typeof values[0] === 'number' ? FieldType.number : FieldType.string;
  return { name, type, values: [...values], config };
}

function nodesFrame(nodes: readonly Node[], refId: string): DataFrame {
  const of = <T>(value: (node: Node) => T): T[] => nodes.map(value);
  const share = (part: number, { from, to }: Node) => (from + to === 0 ? 0 : part / (from + to));
  return {
    refId,
    name: 'nodes',
    meta: { preferredVisualisationType: 'nodeGraph' },
    fields: [
      field(
        'id',
        of(({ id }) => id),
      ),
      field(
        'title',
        of(({ title }) => title),
      ),
      field(
        'subtitle',
        of(({ subtitle }) => subtitle),
      ),
      field(
        'mainstat',
        of(({ from, to }) => from + to),
        { displayName: 'Drops', unit: 'short' },
      ),
      field(
        'arc__sent',
        of((node) => share(node.from, node)),
        { color: SENDS, displayName: 'As the source' },
      ),
      field(
        'arc__received',
        of((node) => share(node.to, node)),
        { color: RECEIVES, displayName: 'As the destination' },
      ),
    ],
    length: nodes.length,
  };
}

function distinct(values: readonly string[]): string {
  return [...new Set(values)].join(', ');
}

function edgesFrame(edges: readonly Edge[], refId: string, page: PageUrl): DataFrame {
  const most = Math.max(1, ...edges.map(({ drops }) => drops));
  const of = <T>(value: (edge: Edge) => T): T[] => edges.map(value);
  const all = (value: (group: DropGroup) => readonly string[]) => of(({ groups }) => distinct(groups.flatMap(value)));
  const port = (group: DropGroup) => [group.protocol, group.destinationPort].filter((part) => part !== null).join('/');
  return {
    refId,
    name: 'edges',
    meta: { preferredVisualisationType: 'nodeGraph' },
    fields: [
      field(
        'id',
        of(({ id }) => id),
      ),
      field(
        'source',
        of(({ source }) => source),
      ),
      field(
        'target',
        of(({ target }) => target),
      ),
      field(
        'mainstat',
        of(({ drops }) => drops),
        { displayName: 'Drops', unit: 'short' },
      ),
      field(
        'secondarystat',
        all((group) => [port(group)]),
        { displayName: 'Port' },
      ),
      field(
        'thickness',
        of(({ drops }) => 1 + (4 * drops) / most),
      ),
      field(
        'detail__cause',
        all(({ cause }) => [plain(cause)]),
        { displayName: 'Cause' },
      ),
      field(
        'detail__policy',
        all(({ policies }) => policies.map(scopedName)),
        { displayName: 'Policy' },
      ),
      field(
        'detail__group',
        of(({ groups }) => groups[0]?.id ?? ''),
        { displayName: 'Group', links: groupLink(page) },
      ),
    ],
    length: edges.length,
  };
}

/** The two frames of a node graph. */
export function graphFrames({ dropGroups }: GraphAnswer, { refId }: CompleteQuery, page: PageUrl): DataFrame[] {
  const { nodes, edges } = fold(dropGroups.nodes);
  return [nodesFrame(nodes, refId), edgesFrame(edges, refId, page)];
}
