import { Field, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { PolicyDirection } from '@whydrop/model';
import type { FindingRow } from '@whydrop/storage';
import { DirectionEnum } from '../enums.js';
import { PolicyName } from '../drop-group/drop-group.type.js';
import { connectionOf } from '../page/connection.js';
import { DateTime } from '../scalars/date-time.scalar.js';

type Kind = FindingRow['kind'];
type Severity = FindingRow['severity'];

const KINDS: Readonly<Record<Kind, string>> = {
  NODE_DENIES: 'Policy allows it, the node stops it.',
  NODE_ALLOWS: 'Policy denies it, the node lets it through.',
  LAGGING: 'The node still does what policy said before its last change.',
  ORPHAN_CHAIN: 'A chain of a workload or policy that is gone.',
  SET_MEMBER_MISSING: 'A set lacks an address that policy admits.',
  SET_MEMBER_EXTRA: 'A set still has an address that policy does not admit.',
};

export const FindingKindEnum = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, kind]));
registerEnumType(FindingKindEnum, {
  name: 'ReconciliationKind',
  description: 'How what a node runs differs from what was written.',
  valuesMap: Object.fromEntries(Object.entries(KINDS).map(([kind, description]) => [kind, { description }])),
});

export const FindingSeverityEnum: Readonly<Record<string, Severity>> = {
  CRITICAL: 'critical',
  WARNING: 'warning',
  INFO: 'info',
};
registerEnumType(FindingSeverityEnum, {
  name: 'ReconciliationSeverity',
  description: 'How much it matters.',
  valuesMap: {
    CRITICAL: { description: 'What policy denies gets through.' },
    WARNING: { description: 'What policy allows is stopped.' },
    INFO: { description: 'A leftover, or a node that is late.' },
  },
});

@ObjectType({ description: 'A connection that shows it, the smallest there is.' })
export class ReconciliationWitness {
  @Field(() => String)
  protocol: string;

  @Field(() => String)
  source: string;

  @Field(() => String)
  destination: string;

  @Field(() => Int, { nullable: true })
  destinationPort: number | null;
}

@ObjectType({ description: 'Rule by which the node decided about the witness.' })
export class ReconciliationRule {
  @Field(() => String)
  table: string;

  @Field(() => String)
  chain: string;

  @Field(() => Int, { description: '0: the chain policy.' })
  position: number;

  @Field(() => String)
  text: string;
}

@ObjectType({
  description:
    'A difference between what policies say and what a node runs that lasted longer than a node may take to settle.',
})
export class ReconciliationFinding {
  @Field(() => String)
  key: string;

  @Field(() => String)
  cluster: string;

  @Field(() => String)
  node: string;

  @Field(() => FindingKindEnum)
  kind: Kind;

  @Field(() => FindingSeverityEnum)
  severity: Severity;

  @Field(() => String, { nullable: true })
  namespace: string | null;

  @Field(() => String, { nullable: true, description: 'The pod it is about.' })
  workload: string | null;

  @Field(() => DirectionEnum, { nullable: true })
  direction: PolicyDirection | null;

  @Field(() => String, { nullable: true, description: 'The chain or set that is not as it should be.' })
  subject: string | null;

  @Field(() => [PolicyName], { description: 'Policies that have a say in the witness.' })
  policies: readonly PolicyName[];

  @Field(() => String)
  sentence: string;

  @Field(() => ReconciliationWitness, { nullable: true })
  witness: ReconciliationWitness | null;

  @Field(() => ReconciliationRule, { nullable: true })
  decidedAt: ReconciliationRule | null;

  @Field(() => Int, {
    description:
      'Connections tried that show the same, when it was found; 1 for a token of namespaces, which is not told how many.',
  })
  connections: number;

  @Field(() => DateTime)
  firstSeenAt: number;

  @Field(() => DateTime)
  lastSeenAt: number;

  @Field(() => DateTime, { description: 'When it had lasted longer than a node may take to settle.' })
  openedAt: number;

  @Field(() => DateTime, { nullable: true, description: 'Null while it is open.' })
  resolvedAt: number | null;
}

@ObjectType()
export class ReconciliationFindingConnection extends connectionOf(ReconciliationFinding) {}
