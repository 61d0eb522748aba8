import { Module, type DynamicModule } from '@nestjs/common';
import { HealthController } from './health/health.controller.js';
import { IngestController } from './ingest/ingest.controller.js';
import { IngestService } from './ingest/ingest.service.js';
import { API_OPTIONS, type ApiOptions } from './options.js';

/** The doors of Whydrop: ingest over HTTP, reading over GraphQL, health. */
@Module({})
export class ApiModule {
  static forRoot(options: ApiOptions): DynamicModule {
    return {
      module: ApiModule,
      controllers: [HealthController, IngestController],
      providers: [{ provide: API_OPTIONS, useValue: options }, IngestService],
    };
  }
}
