import { registerEnumType } from '@nestjs/graphql';

export const OrderDirection = { ASC: 'ASC', DESC: 'DESC' } as const;
export type OrderDirection = keyof typeof OrderDirection;

registerEnumType(OrderDirection, { name: 'OrderDirection' });
