import { createUnionType, Field, Int, ObjectType } from '@nestjs/graphql';
import { Alert } from '../alert/alert.type.js';
import { Drop } from '../drop/drop.type.js';

@ObjectType({
  description:
    'Told in the place of what could not be: the client read too slowly, or the server could not listen for a while. What was missed is in the lists.',
})
export class Lagged {
  @Field(() => Int, {
    nullable: true,
    description: 'How many changes at most, before the filter; null when nobody knows.',
  })
  missed: number | null;
}

export const DropObserved = createUnionType({
  name: 'DropObserved',
  types: () => [Drop, Lagged] as const,
  resolveType: (value: Drop | Lagged) => ('missed' in value ? 'Lagged' : 'Drop'),
});

export const AlertChanged = createUnionType({
  name: 'AlertChanged',
  types: () => [Alert, Lagged] as const,
  resolveType: (value: Alert | Lagged) => ('missed' in value ? 'Lagged' : 'Alert'),
});

/** Lagged by so many; a gap of unknown size counts as more than any. */
export function laggedBy(missed: number): Lagged {
  return { missed: missed >= UNKNOWN ? null : missed };
}

export const UNKNOWN = 1_000_000_000;
