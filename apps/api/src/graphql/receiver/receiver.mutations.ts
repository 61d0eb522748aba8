import { Inject } from '@nestjs/common';
import { Args, Context, Mutation, Resolver } from '@nestjs/graphql';
import {
  createReceiver,
  deleteReceiver,
  findReceiver,
  NoSecretKey,
  type ReceiverRow,
  secretsOf,
  type SecretBox,
  updateReceiver,
} from '@whydrop/storage';
import { API_OPTIONS, type ApiOptions } from '../../options.js';
import { type GraphqlContext, writerOf } from '../context.js';
import { userError, type UserError } from '../mutation/user-error.js';
import { graphqlError } from '../server/graphql-error.js';
import { checkedSettings, CreateReceiverInput, nameErrors, pairsOf, UpdateReceiverInput } from './receiver.input.js';
import { DeleteReceiverPayload, Receiver, receiverOf, ReceiverPayload } from './receiver.type.js';

const failed = (...userErrors: readonly UserError[]): ReceiverPayload => ({ receiver: null, userErrors });
const done = (row: ReceiverRow): ReceiverPayload => ({ receiver: receiverOf(row, true), userErrors: [] });
const unknown = (name: string) => userError('NOT_FOUND', 'name', `there is no receiver '${name}'`);

@Resolver(() => Receiver)
export class ReceiverMutations {
  constructor(@Inject(API_OPTIONS) private readonly options: ApiOptions) {}

  /** Does what seals or opens secrets; says it when there is no key for that. */
  private async withKey<T>(work: (box: SecretBox) => Promise<T>): Promise<T> {
    const { secrets } = this.options;
    if (!secrets) throw graphqlError('UNAVAILABLE', 'this API has no key to seal secrets with: see WHYDROP_SECRET_KEY');
    try {
      return await work(secrets);
    } catch (error) {
      throw error instanceof NoSecretKey ? graphqlError('UNAVAILABLE', error.message) : error;
    }
  }

  @Mutation(() => ReceiverPayload, { description: 'Makes a receiver. Its address is judged when something is sent.' })
  async createReceiver(
    @Args('input') input: CreateReceiverInput,
    @Context() context: GraphqlContext,
  ): Promise<ReceiverPayload> {
    const { settings, secrets, errors } = checkedSettings(input.kind, input);
    const all = [...nameErrors(input.name), ...errors];
    if (all.length > 0) return failed(...all);
    const { name, kind, enabled, sendResolved } = input;
    const receiver = { name, kind, settings, secrets, enabled, sendResolved };
    const row = await this.withKey((box) => createReceiver(writerOf(context), box, receiver));
    return row ? done(row) : failed(userError('TAKEN', 'input.name', `there is a receiver '${name}' already`));
  }

  @Mutation(() => ReceiverPayload, {
    description:
      'Changes a receiver and ends its pause. Switched off, it is told nothing more, and what waits is skipped.',
  })
  async updateReceiver(
    @Args('name') name: string,
    @Args('input') input: UpdateReceiverInput,
    @Context() context: GraphqlContext,
  ): Promise<ReceiverPayload> {
    const writer = writerOf(context);
    const before = await findReceiver(writer, name);
    if (!before) return failed(unknown(name));
    // What is not given is as it was; together it must make sense.
    const secretsBefore = input.secrets ? {} : await this.withKey((box) => secretsOf(writer, box, name));
    const { settings, secrets, errors } = checkedSettings(before.kind, {
      settings: input.settings ?? pairsOf(before.settings),
      secrets: input.secrets ?? pairsOf(secretsBefore),
    });
    if (errors.length > 0) return failed(...errors);
    const change = {
      ...(input.settings ? { settings } : {}),
      ...(input.secrets ? { secrets } : {}),
      ...(typeof input.enabled === 'boolean' ? { enabled: input.enabled } : {}),
      ...(typeof input.sendResolved === 'boolean' ? { sendResolved: input.sendResolved } : {}),
    };
    const row = await this.withKey((box) => updateReceiver(writer, box, name, change));
    return row ? done(row) : failed(unknown(name));
  }

  @Mutation(() => DeleteReceiverPayload, { description: 'Removes a receiver with its deliveries.' })
  async deleteReceiver(@Args('name') name: string, @Context() context: GraphqlContext): Promise<DeleteReceiverPayload> {
    const deleted = await deleteReceiver(writerOf(context), name);
    return { deleted, userErrors: deleted ? [] : [unknown(name)] };
  }
}
