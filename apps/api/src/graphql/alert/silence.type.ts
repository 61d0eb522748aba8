import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { UserError } from '../mutation/user-error.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { Duration } from '../scalars/duration.scalar.js';

@ObjectType({ description: 'A condition on a label, or on `rule`, `severity`, `cluster`.' })
export class SilenceMatcher {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;

  @Field(() => Boolean)
  isRegex: boolean;

  @Field(() => Boolean, { description: 'False: it must not match.' })
  isEqual: boolean;
}

@ObjectType({ description: 'Nothing is told of alerts that all matchers match, until it ends.' })
export class Silence {
  @Field(() => ID)
  id: string;

  @Field(() => [SilenceMatcher])
  matchers: readonly SilenceMatcher[];

  @Field(() => String)
  author: string;

  @Field(() => String)
  comment: string;

  @Field(() => DateTime)
  startsAt: number;

  @Field(() => DateTime)
  endsAt: number;

  @Field(() => DateTime)
  createdAt: number;
}

@InputType()
export class SilenceMatcherInput {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;

  @Field(() => Boolean, { defaultValue: false, description: 'An expression that must match the whole value.' })
  isRegex: boolean;

  @Field(() => Boolean, { defaultValue: true })
  isEqual: boolean;
}

@InputType()
export class CreateSilenceInput {
  @Field(() => [SilenceMatcherInput])
  matchers: SilenceMatcherInput[];

  @Field(() => String, { description: 'Why.' })
  comment: string;

  @Field(() => String, { nullable: true, description: 'Who; the name of the token when left out.' })
  author?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Now when left out.' })
  startsAt?: number | null;

  @Field(() => DateTime, { nullable: true, description: 'Either this or `duration`.' })
  endsAt?: number | null;

  @Field(() => Duration, { nullable: true })
  duration?: number | null;
}

@ObjectType()
export class SilencePayload {
  @Field(() => Silence, { nullable: true })
  silence: Silence | null;

  @Field(() => [UserError])
  userErrors: readonly UserError[];
}
