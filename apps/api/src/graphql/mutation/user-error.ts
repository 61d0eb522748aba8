import { Field, ObjectType, registerEnumType } from '@nestjs/graphql';

/** Why a change was not made. */
export const UserErrorCode = {
  INVALID: 'INVALID',
  TAKEN: 'TAKEN',
  NOT_FOUND: 'NOT_FOUND',
  CONFLICT: 'CONFLICT',
} as const;
export type UserErrorCode = keyof typeof UserErrorCode;

registerEnumType(UserErrorCode, {
  name: 'UserErrorCode',
  description: 'Why a change was not made.',
  valuesMap: {
    INVALID: { description: 'A value is not allowed.' },
    TAKEN: { description: 'There is one of that name already.' },
    NOT_FOUND: { description: 'There is none of that name or id.' },
    CONFLICT: { description: 'It cannot be done as things are now.' },
  },
});

@ObjectType({ description: 'A mistake in the input of a mutation. Where there is one, nothing was changed.' })
export class UserError {
  @Field(() => [String], { description: 'Where in the input: `["input", "settings", "url"]`.' })
  path: readonly string[];

  @Field(() => UserErrorCode)
  code: UserErrorCode;

  @Field(() => String)
  message: string;
}

export function userError(code: UserErrorCode, path: string, message: string): UserError {
  return { code, path: path.split('.'), message };
}
