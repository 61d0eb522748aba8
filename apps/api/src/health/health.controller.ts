import { Controller, Get, Inject } from '@nestjs/common';
import { unavailable } from '../http/api-error.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';

/** `healthz`: the process answers. `readyz`: it can do its work, which needs Postgres and its schema but no queue. */
@Controller()
export class HealthController {
  constructor(@Inject(API_OPTIONS) private readonly options: ApiOptions) {}

  @Get('healthz')
  health(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(): Promise<{ readonly status: 'ok' }> {
    try {
      await this.options.database.pool.query('SELECT FROM raw_batch LIMIT 0');
    } catch {
      throw unavailable('the database cannot be reached, or has no schema yet');
    }
    return { status: 'ok' };
  }
}
