import { Field, ID, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { ApiToken, Role } from '@whydrop/storage';
import { UserError } from '../mutation/user-error.js';
import { DateTime } from '../scalars/date-time.scalar.js';

export const TokenRole = {
  COLLECTOR: 'collector',
  INGEST: 'ingest',
  VIEWER: 'viewer',
  OPERATOR: 'operator',
  ADMIN: 'admin',
} as const satisfies Record<Uppercase<Role>, Role>;

registerEnumType(TokenRole, {
  name: 'TokenRole',
  description: 'What a token is for.',
  valuesMap: {
    COLLECTOR: { description: 'Ships what one node saw.' },
    INGEST: { description: 'Ships for any node.' },
    VIEWER: { description: 'Reads.' },
    OPERATOR: { description: 'Reads, and changes alert rules, silences and receivers.' },
    ADMIN: { description: 'Everything.' },
  },
});

@ObjectType({ description: 'A token, without its secret.' })
export class Token {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => TokenRole)
  role: Role;

  @Field(() => String, { nullable: true })
  cluster: string | null;

  @Field(() => String, { nullable: true, description: 'Of a collector: the only node it may ship for.' })
  node: string | null;

  @Field(() => [String], { nullable: true, description: 'Of a reader: the only namespaces it sees. Null: all.' })
  namespaces: readonly string[] | null;

  @Field(() => DateTime)
  createdAt: number;

  @Field(() => DateTime, { nullable: true, description: 'Null: never.' })
  expiresAt: number | null;

  @Field(() => DateTime, { nullable: true })
  revokedAt: number | null;

  @Field(() => DateTime, { nullable: true, description: 'To about a minute.' })
  lastUsedAt: number | null;
}

@InputType()
export class CreateTokenInput {
  @Field(() => String)
  name: string;

  @Field(() => TokenRole)
  role: Role;

  @Field(() => String, { nullable: true })
  cluster?: string | null;

  @Field(() => String, { nullable: true })
  node?: string | null;

  @Field(() => [String], { nullable: true })
  namespaces?: string[] | null;

  @Field(() => DateTime, { nullable: true })
  expiresAt?: number | null;
}

@ObjectType()
export class TokenPayload {
  @Field(() => Token, { nullable: true })
  token: Token | null;

  @Field(() => [UserError])
  userErrors: readonly UserError[];
}

@ObjectType()
export class CreateTokenPayload extends TokenPayload {
  @Field(() => String, { nullable: true, description: 'What its owner sends. It is shown this once.' })
  secret: string | null;
}

const microsOf = (date: Date | undefined) => (date === undefined ? null : date.getTime() * 1000);

export function tokenOf(token: ApiToken): Token {
  const { id, name, role, cluster, node, namespaces } = token;
  return {
    id,
    name,
    role,
    cluster: cluster ?? null,
    node: node ?? null,
    namespaces: namespaces ?? null,
    createdAt: token.createdAt.getTime() * 1000,
    expiresAt: microsOf(token.expiresAt),
    revokedAt: microsOf(token.revokedAt),
    lastUsedAt: microsOf(token.lastUsedAt),
  };
}
