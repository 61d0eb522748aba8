import { Controller, Get, HttpCode, Inject, Post, Query, Req, UseGuards } from '@nestjs/common';
import { batchProgress, type BatchProgress, type BatchSelection } from '@whydrop/storage';
import { NeedsRole, TokenGuard, type AuthenticatedRequest } from '../auth/token.guard.js';
import { ApiError } from '../http/api-error.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { IngestService, type Accepted } from './ingest.service.js';

const ID = /^\d{1,18}$/;
const MAX_NAMED = 1000;

function badRequest(field: string, message: string): ApiError {
  return new ApiError(400, 'BAD_REQUEST', `${field}: ${message}`, { field });
}

function selection(batches: string | undefined, since: string | undefined): BatchSelection {
  if (batches !== undefined && since !== undefined) throw badRequest('since', 'give either batches or since');
  if (since !== undefined) {
    if (!ID.test(since)) throw badRequest('since', 'must be a batch id');
    return { kind: 'since', id: since };
  }
  if (batches === undefined) return { kind: 'all' };
  const ids = batches.split(',');
  if (ids.length > MAX_NAMED || !ids.every((id) => ID.test(id))) {
    throw badRequest('batches', `must be up to ${MAX_NAMED} batch ids with commas between them`);
  }
  return { kind: 'named', ids };
}

@Controller('ingest/v1')
@UseGuards(TokenGuard)
@NeedsRole('ingest')
export class IngestController {
  constructor(
    @Inject(IngestService) private readonly ingest: IngestService,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Post('batches')
  @HttpCode(202)
  receive(@Req() request: AuthenticatedRequest): Promise<Accepted> {
    return this.ingest.receive(request.principal, request.raw, request.headers['content-encoding']);
  }

  @Get('status')
  async status(
    @Req() { principal }: AuthenticatedRequest,
    @Query('cluster') cluster: unknown,
    @Query('batches') batches: unknown,
    @Query('since') since: unknown,
  ): Promise<{ readonly cluster: string } & BatchProgress> {
    if (typeof cluster !== 'string' || cluster === '') throw badRequest('cluster', 'is needed');
    if (principal.cluster !== undefined && principal.cluster !== cluster) {
      throw new ApiError(403, 'FORBIDDEN', `the token is for cluster ${principal.cluster}`, { field: 'cluster' });
    }
    const text = (value: unknown, field: string) => {
      if (value === undefined || typeof value === 'string') return value;
      throw badRequest(field, 'is given more than once');
    };
    const which = selection(text(batches, 'batches'), text(since, 'since'));
    return { cluster, ...(await batchProgress(this.options.database, cluster, which)) };
  }
}
