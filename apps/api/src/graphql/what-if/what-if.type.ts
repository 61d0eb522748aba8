import { Field, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { PolicyDirection } from '@whydrop/model';
import { DirectionEnum } from '../enums.js';
import { Finding, PolicyFix, PolicyReference, RuleMiss } from '../explanation/explanation.type.js';
import { DateTime } from '../scalars/date-time.scalar.js';

export const PolicyVerdict = { ALLOWED: 'allowed', DENIED: 'denied', UNKNOWN: 'unknown' } as const;
registerEnumType(PolicyVerdict, {
  name: 'PolicyVerdict',
  description: 'What policies say; UNKNOWN names what is missing.',
});

@ObjectType({ description: 'What the policies say of one direction at one end.' })
export class DirectionVerdict {
  @Field(() => PolicyVerdict)
  verdict: string;

  @Field(() => [PolicyReference], { description: 'All that isolate the end in this direction.' })
  isolatedBy: readonly PolicyReference[];

  @Field(() => [String], { description: 'Rules that decided: NetworkPolicy dev/policy1 ingress[0].from[2].' })
  decidedBy: readonly string[];

  @Field(() => [RuleMiss], { description: 'What every rule of a denial lacked, the nearest first.' })
  misses: readonly RuleMiss[];

  @Field(() => [String])
  assumptions: readonly string[];

  @Field(() => [String], { description: 'Facts without which it cannot be decided.' })
  missing: readonly string[];

  @Field(() => String)
  reason: string;
}

@ObjectType({
  description: 'What the policies say of a connection: egress at its source first, then ingress at its destination.',
})
export class PolicyExplanation {
  @Field(() => PolicyVerdict)
  verdict: string;

  @Field(() => DirectionEnum, { nullable: true, description: 'The first side that denies.' })
  direction: PolicyDirection | null;

  @Field(() => DirectionVerdict)
  egress: DirectionVerdict;

  @Field(() => DirectionVerdict)
  ingress: DirectionVerdict;

  @Field(() => [Finding])
  findings: readonly Finding[];

  @Field(() => String, { description: 'One sentence.' })
  reason: string;

  @Field(() => DateTime, { description: 'The instant whose policies were asked.' })
  at: number;

  @Field(() => PolicyVerdict, { nullable: true, description: 'Without what is proposed; null when nothing is.' })
  withoutProposal: string | null;

  @Field(() => [PolicyFix], { description: 'Changes that would admit it, for one pod behind a service.' })
  fix: readonly PolicyFix[];
}

@ObjectType({ description: 'Stored connections of two workloads at one port whose verdict would be another.' })
export class ChangedConnection {
  @Field(() => String, { description: 'namespace/workload, node/name, or an address.' })
  source: string;

  @Field(() => String)
  destination: string;

  @Field(() => Int, { nullable: true })
  port: number | null;

  @Field(() => String)
  protocol: string;

  @Field(() => PolicyVerdict)
  before: string;

  @Field(() => PolicyVerdict)
  after: string;

  @Field(() => Int, { description: 'How many were seen.' })
  connections: number;

  @Field(() => DateTime)
  firstSeenAt: number;

  @Field(() => DateTime)
  lastSeenAt: number;

  @Field(() => String, { description: 'Why it would be so.' })
  reason: string;
}

@ObjectType({ description: 'What proposed policies would do to connections that were seen.' })
export class WouldChange {
  @Field(() => [ChangedConnection], { description: 'Those seen most first.' })
  changed: readonly ChangedConnection[];

  @Field(() => Int, { description: 'Connections that were judged.' })
  looked: number;

  @Field(() => Int, { description: 'Connections with no end in a pod that is there now: they were not judged.' })
  outside: number;

  @Field(() => Boolean, {
    description: 'There were more different connections than are read; those seen most were judged.',
  })
  truncated: boolean;
}
