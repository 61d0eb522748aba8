import { Inject } from '@nestjs/common';
import { Args, Context, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { type AlertRule as Rule, parseRule } from '@whydrop/alerting';
import {
  type AlertRuleRow,
  alertRulesStatement,
  createRule,
  deleteRule,
  enableRule,
  readAlertRules,
  type Reader,
  readerOf,
  type RuleChanged,
  updateRule,
  type Writer,
} from '@whydrop/storage';
import { READER } from '../../options.js';
import { type GraphqlContext, writerOf } from '../context.js';
import { userError, type UserError } from '../mutation/user-error.js';
import { AlertRule, AlertRuleInput, AlertRulePayload } from './alert-rule.type.js';

function ruleOf({ spec, ...row }: AlertRuleRow): AlertRule {
  const parsed = parseRule(spec);
  const { severity = 'warning', groupBy = [], receivers = [] } = parsed.kind === 'rule' ? parsed.rule : {};
  return { ...row, severity, groupBy, receivers, specification: JSON.stringify(spec) };
}

/** Without what was left out: an absent field has its usual value. */
function given(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(given);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, given(inner)]));
}

type Checked = { readonly rule: Rule } | { readonly errors: readonly UserError[] };

function checked(input: AlertRuleInput): Checked {
  const parsed = parseRule(given(input));
  if (parsed.kind === 'rule') return { rule: parsed.rule };
  const errors = parsed.problems.map(({ path, message }) =>
    userError('INVALID', ['input', ...path].join('.'), message),
  );
  return { errors };
}

function refusal(changed: Exclude<RuleChanged, { kind: 'done' }>): UserError {
  switch (changed.kind) {
    case 'notFound':
      return userError('NOT_FOUND', 'id', 'there is no rule of this id');
    case 'nameTaken':
      return userError('TAKEN', 'input.name', 'there is a rule of this name already');
    case 'readOnly': {
      const where = changed.source === 'file' ? 'it stands in the rule file of the server' : 'it came with Whydrop';
      return userError('CONFLICT', 'id', `${where}: it can only be switched on and off`);
    }
  }
}

const refused = (userErrors: readonly UserError[]): AlertRulePayload => ({ alertRule: null, userErrors });

@Resolver(() => AlertRule)
export class AlertRuleResolver {
  constructor(@Inject(READER) private readonly reader: Reader) {}

  @Query(() => [AlertRule], {
    complexity: ({ childComplexity }) => 100 + 50 * childComplexity,
    description: 'All rules by their name.',
  })
  async alertRules(): Promise<readonly AlertRule[]> {
    return (await readAlertRules(this.reader, alertRulesStatement())).map(ruleOf);
  }

  private async answer(writer: Writer, changed: RuleChanged): Promise<AlertRulePayload> {
    if (changed.kind !== 'done') return refused([refusal(changed)]);
    const [row] = await readAlertRules(readerOf(writer), alertRulesStatement(changed.id));
    return { alertRule: row ? ruleOf(row) : null, userErrors: [] };
  }

  @Mutation(() => AlertRulePayload)
  async createAlertRule(
    @Args('input') input: AlertRuleInput,
    @Context() context: GraphqlContext,
  ): Promise<AlertRulePayload> {
    const result = checked(input);
    if ('errors' in result) return refused(result.errors);
    const writer = writerOf(context);
    return this.answer(writer, await createRule(writer, result.rule, context.principal.name));
  }

  @Mutation(() => AlertRulePayload, {
    description: 'Replaces a rule as a whole; what is left out has its usual value.',
  })
  async updateAlertRule(
    @Args('id', { type: () => ID }) id: string,
    @Args('input') input: AlertRuleInput,
    @Context() context: GraphqlContext,
  ): Promise<AlertRulePayload> {
    const result = checked(input);
    if ('errors' in result) return refused(result.errors);
    const writer = writerOf(context);
    return this.answer(writer, await updateRule(writer, id, result.rule, context.principal.name));
  }

  @Mutation(() => AlertRulePayload, {
    description:
      'Switches any rule on or off. One of a file is what the file says again at the next start of the server.',
  })
  async enableAlertRule(
    @Args('id', { type: () => ID }) id: string,
    @Args('enabled') enabled: boolean,
    @Context() context: GraphqlContext,
  ): Promise<AlertRulePayload> {
    const writer = writerOf(context);
    return this.answer(writer, await enableRule(writer, id, enabled, context.principal.name));
  }

  @Mutation(() => AlertRulePayload, { description: 'Its alerts end.' })
  async deleteAlertRule(
    @Args('id', { type: () => ID }) id: string,
    @Context() context: GraphqlContext,
  ): Promise<AlertRulePayload> {
    const writer = writerOf(context);
    return this.answer(writer, await deleteRule(writer, id));
  }
}
