import { Inject } from '@nestjs/common';
import { Args, ArgsType, Field, ID, Int, Query, Resolver } from '@nestjs/graphql';
import { protocolFromName, protocolFromNumber, type Protocol } from '@whydrop/model';
import { proposeFix, type ConnectionRequest } from '@whydrop/policy';
import { blockedPairsStatement, PAIR_LIMIT, readPairs, seenPairsStatement, type Reader } from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { TimeRangeInput, timeRangeOf } from '../filters.js';
import { keyOf } from '../page/global-id.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { badInput } from '../server/graphql-error.js';
import { policiesIn } from './manifests.js';
import { requestOf } from './request.js';
import { PolicyExplanation, WouldChange } from './what-if.type.js';
import { explanationOfVerdict } from './what-if.view.js';
import { changesOf } from './would-change.js';
import { WorldService, worldWith, type Proposal, type World } from './world.service.js';

@ArgsType()
class ProposalArgs {
  @Field(() => String)
  cluster: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Policies in YAML or JSON, as if they were applied: new ones, and others in the place of those that are.',
  })
  proposedManifests?: string | null;

  @Field(() => [ID], { nullable: true, description: 'Ids of policies, as if they were deleted.' })
  without?: string[] | null;
}

@ArgsType()
class ExplainArgs extends ProposalArgs {
  @Field(() => String, { description: 'namespace/pod, namespace/workload, node/name, or an address.' })
  from: string;

  @Field(() => String, { description: 'As `from`, or a service: namespace/name, svc/namespace/name.' })
  to: string;

  @Field(() => Int, { nullable: true, description: 'Of the service when `to` is one.' })
  port?: number | null;

  @Field(() => String, { defaultValue: 'TCP' })
  protocol: string;

  @Field(() => DateTime, { nullable: true, description: 'Policies and pods as they were then; now when absent.' })
  at?: number | null;
}

/** The cost of reading and compiling a cluster's policies. */
const WORLD_COST = 2_000;

function proposalOf({ proposedManifests, without }: ProposalArgs): Proposal | undefined {
  const policies = proposedManifests ? policiesIn('proposedManifests', proposedManifests) : [];
  const keys = (without ?? []).map((id) => keyOf('Policy', id));
  return policies.length + keys.length === 0 ? undefined : { policies, without: keys };
}

@Resolver()
export class WhatIfResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
    @Inject(WorldService) private readonly worlds: WorldService,
  ) {}

  private get now(): number {
    return (this.options.now ?? Date.now)() * 1000;
  }

  @Query(() => PolicyExplanation, {
    complexity: WORLD_COST,
    description: 'What the policies say of a connection, now or then, as they are or with what is proposed.',
  })
  async explain(@Args() asked: ExplainArgs): Promise<PolicyExplanation> {
    const { cluster } = asked;
    const proposal = proposalOf(asked);
    const at = asked.at ?? this.now;
    const current = asked.at ? await this.worlds.at(cluster, at) : await this.worlds.now(cluster, at);
    const world = proposal ? worldWith(current, cluster, proposal) : current;
    const request = requestOf(world, asked);
    const verdict = world.view.engine.ask(request);
    const without = proposal ? current.view.engine.ask(request).verdict : null;
    return explanationOfVerdict(verdict, at, without, verdict.verdict === 'denied' ? fixesOf(world, request) : []);
  }

  @Query(() => WouldChange, {
    complexity: 2 * WORLD_COST,
    description:
      'Which stored connections, carried and blocked, proposed policies would judge otherwise than those of now.',
  })
  async wouldChange(@Args() asked: ProposalArgs, @Args('timeRange') timeRange: TimeRangeInput): Promise<WouldChange> {
    const proposal = proposalOf(asked);
    if (!proposal) throw badInput('proposedManifests or without: nothing is proposed');
    const { cluster } = asked;
    const range = timeRangeOf(timeRange, this.now / 1000);
    const current = await this.worlds.now(cluster, this.now);
    const seen = await readPairs(this.reader, seenPairsStatement(cluster, range), protocolFromNumber);
    const blocked = await readPairs(this.reader, blockedPairsStatement(cluster, range), protocolNamed);
    const pairs = [...seen.slice(0, PAIR_LIMIT), ...blocked.slice(0, PAIR_LIMIT)];
    const changes = await changesOf(current, worldWith(current, cluster, proposal), pairs);
    return { ...changes, truncated: seen.length > PAIR_LIMIT || blocked.length > PAIR_LIMIT };
  }
}

const protocolNamed = (name: string): Protocol => protocolFromName(name) ?? 'TCP';

function fixesOf({ view }: World, request: ConnectionRequest) {
  const [query, ...others] = view.engine.routes(request);
  return query && others.length === 0 ? proposeFix(view.state, query) : [];
}
