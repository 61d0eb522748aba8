import { Module, type DynamicModule } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import type { MercuriusDriverConfig } from '@nestjs/mercurius';
import { openReader } from '@whydrop/storage';
import { readerOfAsking } from './auth/asking.js';
import { AlertResolver } from './graphql/alert/alert.resolver.js';
import { AlertConnection } from './graphql/alert/alert.type.js';
import { AlertRuleResolver } from './graphql/alert/alert-rule.resolver.js';
import { SilenceResolver } from './graphql/alert/silence.resolver.js';
import { AuditResolver } from './graphql/audit/audit.resolver.js';
import { AuditEntryConnection } from './graphql/audit/audit.type.js';
import { ChainRuleResolver } from './graphql/chain-rule/chain-rule.resolver.js';
import { NodeRuleConnection } from './graphql/chain-rule/chain-rule.type.js';
import { PolicyResolver } from './graphql/policy/policy.resolver.js';
import { PolicyConnection } from './graphql/policy/policy.type.js';
import { WhatIfResolver } from './graphql/what-if/what-if.resolver.js';
import { WorldService } from './graphql/what-if/world.service.js';
import { WorkloadResolver } from './graphql/workload/workload.resolver.js';
import { BlockedWorkloadConnection } from './graphql/workload/workload.type.js';
import { CollectorResolver } from './graphql/collector/collector.resolver.js';
import { ConservationResolver } from './graphql/conservation/conservation.resolver.js';
import { CounterWindowConnection } from './graphql/conservation/conservation.type.js';
import { CountedDropResolver } from './graphql/counted-drop/counted-drop.resolver.js';
import { DropGroupResolver } from './graphql/drop-group/drop-group.resolver.js';
import { DropGroupConnection } from './graphql/drop-group/drop-group.type.js';
import { DropResolver } from './graphql/drop/drop.resolver.js';
import { DropConnection } from './graphql/drop/drop.type.js';
import { FlowResolver } from './graphql/flow/flow.resolver.js';
import { FlowConnection } from './graphql/flow/flow.type.js';
import { AlertChangedResolver } from './graphql/live/alert-changed.resolver.js';
import { DropObservedResolver } from './graphql/live/drop-observed.resolver.js';
import { LiveService } from './graphql/live/live.service.js';
import { NodeResolver } from './graphql/node.resolver.js';
import { totalCountOf } from './graphql/page/connection.js';
import { ReconciliationResolver } from './graphql/reconciliation/reconciliation.resolver.js';
import { ReconciliationFindingConnection } from './graphql/reconciliation/reconciliation.type.js';
import { DeliveryMutations } from './graphql/receiver/delivery.mutations.js';
import { DeliveryResolver } from './graphql/receiver/delivery.resolver.js';
import { DeliveryConnection } from './graphql/receiver/delivery.type.js';
import { ReceiverMutations } from './graphql/receiver/receiver.mutations.js';
import { ReceiverResolver } from './graphql/receiver/receiver.resolver.js';
import { RejectResolver } from './graphql/reject/reject.resolver.js';
import { RejectConnection } from './graphql/reject/reject.type.js';
import { TokenResolver } from './graphql/token/token.resolver.js';
import { TrendResolver } from './graphql/trend/trend.resolver.js';
import { graphqlConfig } from './graphql/server/graphql.config.js';
import { HealthController } from './health/health.controller.js';
import { IngestController } from './ingest/ingest.controller.js';
import { IngestService } from './ingest/ingest.service.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { API_OPTIONS, READER, type ApiOptions } from './options.js';
import { ReaderCloser } from './reader.provider.js';

const RESOLVERS = [
  AlertResolver,
  AlertRuleResolver,
  AuditResolver,
  CollectorResolver,
  ConservationResolver,
  CountedDropResolver,
  DeliveryMutations,
  DeliveryResolver,
  DropGroupResolver,
  DropResolver,
  FlowResolver,
  AlertChangedResolver,
  ChainRuleResolver,
  DropObservedResolver,
  NodeResolver,
  PolicyResolver,
  WhatIfResolver,
  WorkloadResolver,
  ReconciliationResolver,
  ReceiverMutations,
  ReceiverResolver,
  RejectResolver,
  SilenceResolver,
  TokenResolver,
  TrendResolver,
  ...[
    AlertConnection,
    AuditEntryConnection,
    CounterWindowConnection,
    DeliveryConnection,
    DropConnection,
    DropGroupConnection,
    BlockedWorkloadConnection,
    FlowConnection,
    NodeRuleConnection,
    PolicyConnection,
    ReconciliationFindingConnection,
    RejectConnection,
  ].map(totalCountOf),
];

/** The doors of Whydrop: ingest over HTTP, reading over GraphQL, health. */
@Module({})
export class ApiModule {
  static forRoot(options: ApiOptions): DynamicModule {
    const reader = openReader(options.database, {
      timeoutMs: options.statementTimeoutMs ?? 10_000,
      ...(options.onStatement ? { onStatement: options.onStatement } : {}),
    });
    const asking = readerOfAsking(reader);
    return {
      module: ApiModule,
      imports: [GraphQLModule.forRoot<MercuriusDriverConfig>(graphqlConfig(options, asking))],
      controllers: [HealthController, IngestController, MetricsController],
      providers: [
        { provide: API_OPTIONS, useValue: options },
        { provide: READER, useValue: asking },
        ReaderCloser,
        LiveService,
        WorldService,
        IngestService,
        ...RESOLVERS,
      ],
    };
  }
}
