import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isUnavailable } from '@whydrop/storage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../options.js';
import { ApiError, unavailable, type ApiErrorCode } from './api-error.js';
import { discardBody } from './discard-body.js';

const BY_STATUS: Readonly<Record<number, ApiErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
};

/** Turns whatever was thrown into an answer that tells nothing of our inside. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (isUnavailable(error)) return unavailable('the database cannot be reached now; nothing was taken');
  const status = error instanceof HttpException ? error.getStatus() : statusOfFastify(error);
  if (status !== undefined && status < 500) {
    return new ApiError(status, BY_STATUS[status] ?? 'BAD_REQUEST', String((error as Error).message));
  }
  return new ApiError(
    500,
    'INTERNAL_SERVER_ERROR',
    'something went wrong on our side; the log has it by its requestId',
  );
}

function statusOfFastify(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

function errorBody(error: ApiError, requestId: string): object {
  return { error: { code: error.code, message: error.message, ...error.details, requestId } };
}

/** Answers errors of the HTTP interface in one shape. GraphQL has its own formatter. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    if (host.getType() !== 'http') throw thrown;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const error = toApiError(thrown);
    if (error.status >= 500) this.log.error({ requestId: request.id, err: thrown }, error.message);
    // A client that is still sending would meet a reset connection instead of this answer.
    const readToTheEnd = await discardBody(request.raw);
    if (!readToTheEnd) void reply.header('connection', 'close');
    if (reply.sent) return;
    await reply.status(error.status).headers(error.headers).send(errorBody(error, request.id));
  }
}
