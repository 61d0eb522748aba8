import {
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import { graphqlError } from './graphql-error.js';

/** Fields a query may nest; what tools ask to learn the schema goes deeper. */
export const MAX_DEPTH = 10;
const MAX_INTROSPECTION_DEPTH = 20;

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** Nested fields of a selection. A fragment that is being walked counts as nothing: another rule refuses cycles. */
function depthOf(set: SelectionSetNode, fragments: Fragments, walked: ReadonlySet<string>): number {
  const depths = set.selections.map((selection): number => {
    if (selection.kind === Kind.FIELD) {
      return 1 + (selection.selectionSet ? depthOf(selection.selectionSet, fragments, walked) : 0);
    }
    if (selection.kind === Kind.INLINE_FRAGMENT) return depthOf(selection.selectionSet, fragments, walked);
    const name = selection.name.value;
    const fragment = fragments.get(name);
    if (!fragment || walked.has(name)) return 0;
    return depthOf(fragment.selectionSet, fragments, new Set([...walked, name]));
  });
  return Math.max(0, ...depths);
}

function isIntrospection(set: SelectionSetNode): boolean {
  return set.selections.every((each) => each.kind === Kind.FIELD && each.name.value.startsWith('__'));
}

/** Validation rule: refuses operations that nest too deep. */
export const depthLimit: ValidationRule = (context) => ({
  Document(document: DocumentNode) {
    const fragments = new Map(
      document.definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
    );
    for (const operation of document.definitions) {
      if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
      const limit = isIntrospection(operation.selectionSet) ? MAX_INTROSPECTION_DEPTH : MAX_DEPTH;
      const depth = depthOf(operation.selectionSet, fragments, new Set());
      if (depth <= limit) continue;
      context.reportError(
        graphqlError('QUERY_TOO_COMPLEX', `the query nests ${depth} fields deep, over the limit of ${limit}`),
      );
    }
  },
});
