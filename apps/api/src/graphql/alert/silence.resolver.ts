import { Inject } from '@nestjs/common';
import { Args, Context, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import {
  createSilence,
  expireSilence,
  readSilences,
  type Reader,
  readerOf,
  silenceByIdStatement,
  silencesStatement,
  type Writer,
} from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { type GraphqlContext, writerOf } from '../context.js';
import { userError, type UserError } from '../mutation/user-error.js';
import { CreateSilenceInput, Silence, SilenceMatcherInput, SilencePayload } from './silence.type.js';

function expressionError({ value, isRegex }: SilenceMatcherInput): string | undefined {
  if (value.length > 300) return 'is longer than 300 characters';
  if (!isRegex) return undefined;
  try {
    new RegExp(`^(?:${value})$`);
    return undefined;
  } catch (error) {
    return String(error).replace(/^SyntaxError: /, '');
  }
}

/** A matcher that the empty value satisfies matches alerts that have no such label: one alone would mute everything. */
const matchesNothing = ({ value, isRegex, isEqual }: SilenceMatcherInput) =>
  (isRegex ? new RegExp(`^(?:${value})$`).test('') : value === '') === isEqual;

function matcherErrors(matchers: readonly SilenceMatcherInput[]): readonly UserError[] {
  if (matchers.length === 0) return [userError('INVALID', 'input.matchers', 'at least one is needed')];
  const errors = matchers.flatMap((matcher, i) => {
    const message = matcher.name === '' ? 'a label is needed' : expressionError(matcher);
    return message === undefined ? [] : [userError('INVALID', `input.matchers.${i}`, message)];
  });
  if (errors.length > 0 || !matchers.every(matchesNothing)) return errors;
  return [userError('INVALID', 'input.matchers', 'at least one must ask for a value: these match every alert')];
}

@Resolver(() => Silence)
export class SilenceResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  private now(): number {
    return (this.options.now ?? Date.now)() * 1000;
  }

  @Query(() => [Silence], {
    complexity: ({ childComplexity }) => 100 + 50 * childComplexity,
    description: 'Silences that are in force or still to come; with `expired` those of the last 30 days too.',
  })
  silences(@Args('expired', { defaultValue: false }) expired: boolean): Promise<readonly Silence[]> {
    return readSilences(this.reader, silencesStatement(this.now() - (expired ? 30 * 86_400_000_000 : 0)));
  }

  @Mutation(() => SilencePayload)
  async createSilence(
    @Args('input') input: CreateSilenceInput,
    @Context() context: GraphqlContext,
  ): Promise<SilencePayload> {
    const now = this.now();
    const startsAt = input.startsAt ?? now;
    const endsAt = input.endsAt ?? (input.duration == null ? undefined : startsAt + input.duration);
    const errors = [...matcherErrors(input.matchers)];
    if (endsAt === undefined) errors.push(userError('INVALID', 'input.endsAt', 'give endsAt or duration'));
    else if (endsAt <= Math.max(now, startsAt)) errors.push(userError('INVALID', 'input.endsAt', 'it would be over'));
    if (input.comment.trim() === '') errors.push(userError('INVALID', 'input.comment', 'say why'));
    if (errors.length > 0 || endsAt === undefined) return { silence: null, userErrors: errors };
    const author = input.author ?? context.principal.name;
    const { matchers, comment } = input;
    const writer = writerOf(context);
    return this.answer(writer, await createSilence(writer, { matchers, comment, author, startsAt, endsAt }));
  }

  @Mutation(() => SilencePayload, { description: 'Ends a silence now.' })
  async expireSilence(
    @Args('id', { type: () => ID }) id: string,
    @Context() context: GraphqlContext,
  ): Promise<SilencePayload> {
    const writer = writerOf(context);
    if (await expireSilence(writer, id, this.now())) return this.answer(writer, id);
    return { silence: null, userErrors: [userError('NOT_FOUND', 'id', 'there is no silence of this id in force')] };
  }

  private async answer(writer: Writer, id: string): Promise<SilencePayload> {
    const [silence] = await readSilences(readerOf(writer), silenceByIdStatement(id));
    return { silence: silence ?? null, userErrors: [] };
  }
}
