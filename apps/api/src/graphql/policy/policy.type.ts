import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { PolicyCondition as Condition } from '@whydrop/storage';
import { BooleanFilter, StringFilter } from '../filters.js';
import { Node } from '../node.type.js';
import { connectionOf } from '../page/connection.js';
import type { Ref } from '../ref.js';
import { DateTime } from '../scalars/date-time.scalar.js';

@ObjectType({ description: 'A policy as it was over some time.' })
export class PolicyRevision {
  @Field(() => ID, { description: 'Names the revision, in `diff`.' })
  id: string;

  @Field(() => String, { nullable: true })
  resourceVersion: string | null;

  @Field(() => DateTime)
  validFrom: number;

  @Field(() => DateTime, { nullable: true, description: 'When it was changed or deleted; null when it is in force.' })
  validTo: number | null;

  @Field(() => String, { description: 'YAML, without what the cluster adds.' })
  manifest: string;
}

export const PatchOp = { ADD: 'add', REMOVE: 'remove', REPLACE: 'replace' } as const;
registerEnumType(PatchOp, { name: 'PatchOp' });

@ObjectType({ description: 'One step of a JSON Patch.' })
export class PatchOperation {
  @Field(() => PatchOp)
  op: string;

  @Field(() => String, { description: 'JSON Pointer: /spec/ingress/0/from/1' })
  path: string;

  @Field(() => String, { nullable: true, description: 'YAML of what was there.' })
  before: string | null;

  @Field(() => String, { nullable: true, description: 'YAML of what is there then.' })
  after: string | null;
}

@ObjectType({ description: 'What changed between two revisions.' })
export class PolicyDiff {
  @Field(() => PolicyRevision)
  from: PolicyRevision;

  @Field(() => PolicyRevision)
  to: PolicyRevision;

  @Field(() => [PatchOperation])
  operations: readonly PatchOperation[];

  @Field(() => String, { description: 'The steps as YAML, for kubectl patch --type=json.' })
  patch: string;
}

@ObjectType({ implements: () => Node, description: 'A policy as it is now, or was when it was deleted.' })
export class Policy implements Node {
  readonly __typename: 'Policy';

  id: string;

  @Field(() => String)
  cluster: string;

  @Field(() => String, {
    description: 'NetworkPolicy, CalicoNetworkPolicy, GlobalNetworkPolicy, AdminNetworkPolicy, …',
  })
  kind: string;

  @Field(() => String, { nullable: true, description: 'Null for a cluster-wide policy.' })
  namespace: string | null;

  @Field(() => String)
  name: string;

  @Field(() => String, { nullable: true })
  uid: string | null;

  @Field(() => String, { nullable: true })
  resourceVersion: string | null;

  @Field(() => DateTime, { description: 'Since when it is as it is.' })
  changedAt: number;

  @Field(() => DateTime, { nullable: true, description: 'Null when it is there.' })
  deletedAt: number | null;

  @Field(() => String, { description: 'YAML, without what the cluster adds.' })
  manifest: string;

  /** Not shown: what the resolvers load by. */
  readonly key: string;
}

@ObjectType()
export class PolicyConnection extends connectionOf(Policy) {}

@InputType({ description: 'All given parts must hold.' })
export class PolicyFilter implements Condition {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  kind?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  namespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  name?: StringFilter | null;

  @Field(() => BooleanFilter, { nullable: true })
  deleted?: BooleanFilter | null;

  @Field(() => [PolicyFilter], { nullable: true, description: 'All of them hold.' })
  and?: Ref<PolicyFilter>[] | null;

  @Field(() => [PolicyFilter], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<PolicyFilter>[] | null;

  @Field(() => PolicyFilter, { nullable: true, description: 'It does not hold.' })
  not?: Ref<PolicyFilter> | null;
}
