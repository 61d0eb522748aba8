import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { AuditRow } from '@whydrop/storage';
import { connectionOf } from '../page/connection.js';
import { DateTime } from '../scalars/date-time.scalar.js';

@ObjectType({ description: 'Something that was changed from outside.' })
export class AuditEntry {
  @Field(() => ID)
  id: string;

  @Field(() => DateTime)
  at: number;

  @Field(() => String, { description: 'Name of the token, or subject of the identity provider.' })
  actor: string;

  @Field(() => ID, { nullable: true })
  tokenId: string | null;

  @Field(() => String)
  role: string;

  @Field(() => String, { description: 'Name of the mutation, or of the command.' })
  action: string;

  @Field(() => String, { description: '`table/key` of what was changed.' })
  subject: string;

  @Field(() => String, { nullable: true, description: 'JSON without secrets; null: there was nothing.' })
  before: string | null;

  @Field(() => String, { nullable: true, description: 'JSON without secrets; null: there is nothing any more.' })
  after: string | null;
}

@ObjectType()
export class AuditEntryConnection extends connectionOf(AuditEntry) {}

const json = (row: unknown) => (row === null ? null : JSON.stringify(row));

export function auditEntryOf(row: AuditRow): AuditEntry {
  return { ...row, before: json(row.before), after: json(row.after) };
}
