import { Controller, Get, Header, Inject, Req, UseGuards } from '@nestjs/common';
import { readStoredMetrics } from '@whydrop/storage';
import { openMetrics, StoredMetrics } from '@whydrop/telemetry';
import { NeedsRole, TokenGuard, type AuthenticatedRequest } from '../auth/token.guard.js';
import { ApiError } from '../http/api-error.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';

/** What Prometheus scrapes. The series name every namespace, so a token for some of them is not enough. */
@Controller()
@UseGuards(TokenGuard)
@NeedsRole('viewer')
export class MetricsController {
  private readonly stored: StoredMetrics;

  constructor(@Inject(API_OPTIONS) { database }: ApiOptions) {
    this.stored = new StoredMetrics(openMetrics('api'), { read: () => readStoredMetrics(database) });
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('cache-control', 'no-store')
  metrics(@Req() { principal }: AuthenticatedRequest): Promise<string> {
    if (principal.namespaces === undefined) return this.stored.metrics();
    const message = `metrics tell of all namespaces; the token is for ${principal.namespaces.join(', ')}`;
    throw new ApiError(403, 'FORBIDDEN', message);
  }
}
