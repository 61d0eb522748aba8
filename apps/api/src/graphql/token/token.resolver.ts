import { Inject } from '@nestjs/common';
import { Args, Context, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { createToken, limitsFault, listTokens, revokeToken, type Writer } from '@whydrop/storage';
import { API_OPTIONS, type ApiOptions } from '../../options.js';
import { type GraphqlContext, writerOf } from '../context.js';
import { userError } from '../mutation/user-error.js';
import { CreateTokenInput, CreateTokenPayload, Token, tokenOf, TokenPayload } from './token.type.js';

@Resolver(() => Token)
export class TokenResolver {
  constructor(@Inject(API_OPTIONS) private readonly options: ApiOptions) {}

  @Query(() => [Token], {
    complexity: ({ childComplexity }) => 500 + 100 * childComplexity,
    description: 'Who may send and who may read, the newest first, the revoked ones too.',
  })
  async tokens(): Promise<readonly Token[]> {
    return (await listTokens(this.options.database)).map(tokenOf);
  }

  private async find(writer: Writer, id: string): Promise<Token | null> {
    return (await listTokens(writer)).map(tokenOf).find((token) => token.id === id) ?? null;
  }

  private fault(input: CreateTokenInput): readonly [path: string, message: string] | undefined {
    const { name, role, cluster, node, namespaces, expiresAt } = input;
    if (name.trim() === '' || name.length > 200) return ['name', 'is 1 to 200 characters'];
    if (typeof expiresAt === 'number' && expiresAt <= (this.options.now ?? Date.now)() * 1000) {
      return ['expiresAt', 'it would be over'];
    }
    const limits = { cluster: cluster ?? undefined, node: node ?? undefined, namespaces: namespaces ?? undefined };
    const limit = limitsFault(role, limits);
    return limit === undefined ? undefined : ['role', limit];
  }

  @Mutation(() => CreateTokenPayload)
  async createToken(
    @Args('input') input: CreateTokenInput,
    @Context() context: GraphqlContext,
  ): Promise<CreateTokenPayload> {
    const fault = this.fault(input);
    if (fault) {
      const [path, message] = fault;
      return { token: null, secret: null, userErrors: [userError('INVALID', `input.${path}`, message)] };
    }
    const writer = writerOf(context);
    const { id, text } = await createToken(writer, {
      name: input.name,
      role: input.role,
      cluster: input.cluster ?? undefined,
      node: input.node ?? undefined,
      namespaces: input.namespaces ?? undefined,
      expiresAt: typeof input.expiresAt === 'number' ? new Date(input.expiresAt / 1000) : undefined,
    });
    return { token: await this.find(writer, id), secret: text, userErrors: [] };
  }

  @Mutation(() => TokenPayload, { description: 'Takes a token out of use at once.' })
  async revokeToken(
    @Args('id', { type: () => ID }) id: string,
    @Context() context: GraphqlContext,
  ): Promise<TokenPayload> {
    const writer = writerOf(context);
    if (await revokeToken(writer, id)) return { token: await this.find(writer, id), userErrors: [] };
    return { token: null, userErrors: [userError('NOT_FOUND', 'id', 'there is no token of this id in use')] };
  }
}
