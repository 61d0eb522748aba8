import { Field, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { ChangeKind } from '@whydrop/model';
import { DateTime } from '../scalars/date-time.scalar.js';

export const ChangeKindEnum = {
  CREATED: 'created',
  EDITED: 'edited',
  DELETED: 'deleted',
  RELABELLED: 'relabelled',
  READDRESSED: 'readdressed',
  REPLACED: 'replaced',
  ROLLED_OUT: 'rolled-out',
  ENDPOINTS: 'endpoints',
} as const satisfies Record<string, ChangeKind>;
registerEnumType(ChangeKindEnum, { name: 'ChangeKind', description: 'What became of an object.' });

@ObjectType({ description: 'An object of the cluster by its name.' })
export class ObjectReference {
  @Field(() => String)
  kind: string;

  @Field(() => String, { nullable: true, description: 'Null for a cluster-wide object.' })
  namespace: string | null;

  @Field(() => String)
  name: string;
}

@ObjectType({ description: 'A change of the cluster that bears on a drop.' })
export class Change {
  @Field(() => ChangeKindEnum)
  kind: ChangeKind;

  @Field(() => ObjectReference)
  object: ObjectReference;

  @Field(() => DateTime, { description: 'When it came into force.' })
  at: number;

  @Field(() => String, { nullable: true, description: 'Of the object after the change; null when it was deleted.' })
  resourceVersion: string | null;

  @Field(() => String, { description: 'NetworkPolicy dev/policy1 was edited' })
  sentence: string;
}
