import { mayActAs, type Principal, type Writer } from '@whydrop/storage';
import type { GraphQLFieldConfig, GraphQLFieldResolver, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { graphqlError } from '../graphql/server/graphql-error.js';
import { askedBy } from './asking.js';
import { audited } from './audit.js';
import { RULES, type Rule } from './rules.js';
import type { ApiOptions } from '../options.js';

interface Asked {
  readonly principal?: Principal;
  readonly writer?: Writer;
}
type Resolve = GraphQLFieldResolver<unknown, Asked>;

/** Throws FORBIDDEN unless the rule lets this principal ask. */
export function checkRule(field: string, rule: Rule | undefined, principal: Principal | undefined): Principal {
  if (!principal) throw graphqlError('UNAUTHENTICATED', 'a bearer token is needed');
  if (!rule) throw graphqlError('FORBIDDEN', `no rule says who may ask for ${field}`);
  if (!mayActAs(principal.role, rule.role)) {
    const message = `${field} needs a token with role ${rule.role}; the token has role ${principal.role}`;
    throw graphqlError('FORBIDDEN', message);
  }
  if (rule.reach === 'whole' && principal.namespaces !== undefined) {
    const message = `${field} tells of all namespaces; the token is for ${principal.namespaces.join(', ')}`;
    throw graphqlError('FORBIDDEN', message);
  }
  return principal;
}

function guardField(
  type: GraphQLObjectType,
  name: string,
  field: Pick<GraphQLFieldConfig<unknown, Asked>, 'resolve' | 'subscribe'>,
  options: Pick<ApiOptions, 'database'>,
): void {
  const rule = RULES[type.name]?.[name];
  const guard =
    (resolve: Resolve): Resolve =>
    (source, args, context, info) => {
      const principal = checkRule(`${type.name}.${name}`, rule, context.principal);
      const run = (asked: Asked) => askedBy(principal, () => resolve(source, args, asked, info) as unknown);
      if (!rule?.changes) return run(context);
      const change = (writer: Writer) => run({ ...context, writer });
      return audited(options.database, principal, name, rule.changes, args, change);
    };
  if (field.subscribe) field.subscribe = guard(field.subscribe);
  else if (field.resolve) field.resolve = guard(field.resolve);
}

/** Holds every root field to its rule, over whatever connection it is asked. To be called once, on a schema that is new. */
export function guardSchema(schema: GraphQLSchema, options: Pick<ApiOptions, 'database'>): GraphQLSchema {
  for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    if (!type) continue;
    for (const [name, field] of Object.entries(type.getFields())) guardField(type, name, field, options);
  }
  return schema;
}
