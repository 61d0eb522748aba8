import type { FragmentDefinitionNode, GraphQLResolveInfo, SelectionSetNode } from 'graphql';

type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

function names(set: SelectionSetNode | undefined, fragments: Fragments, found: Set<string>, seen: Set<string>): void {
  for (const selection of set?.selections ?? []) {
    if (selection.kind === 'Field') found.add(selection.name.value);
    if (selection.kind !== 'FragmentSpread') {
      names(selection.selectionSet, fragments, found, seen);
    } else if (!seen.has(selection.name.value)) {
      seen.add(selection.name.value);
      names(fragments[selection.name.value]?.selectionSet, fragments, found, seen);
    }
  }
}

// Documents are parsed once and kept, and so are their nodes.
const known = new WeakMap<object, ReadonlySet<string>>();

/**
 * True when a field of this name is asked for anywhere below: what is dear to read is left out otherwise. Directives are not
 * looked at, and the type it is a field of is not: then more is read than needed.
 */
export function asksFor(info: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>, name: string): boolean {
  return info.fieldNodes.some((node) => {
    let found = known.get(node);
    if (!found) {
      const all = new Set<string>();
      names(node.selectionSet, info.fragments, all, new Set());
      known.set(node, (found = all));
    }
    return found.has(name);
  });
}
