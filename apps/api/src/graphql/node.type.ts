import { Field, ID, InterfaceType } from '@nestjs/graphql';

@InterfaceType({
  description: 'Something with an id of its own.',
  resolveType: (value: { readonly __typename: string }) => value.__typename,
})
export abstract class Node {
  @Field(() => ID, { description: 'Opaque, unique over all types, stable for ever.' })
  id: string;
}
