import { Inject, Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { mayActAs, type Principal, type Role } from '@whydrop/storage';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../http/api-error.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { principalOf } from './bearer.js';

const ROLE = 'whydrop:role';

/** The role a token needs; `admin` may do everything. */
export const NeedsRole = (role: Role) => SetMetadata(ROLE, role);

/** Requests whose token was checked. */
export interface AuthenticatedRequest extends FastifyRequest {
  principal: Principal;
}

export function mayAct(principal: Principal, needed: Role): boolean {
  return mayActAs(principal.role, needed);
}

/** Lets a request in whose bearer token has the role that the handler names. */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const needed = this.reflector.getAllAndOverride<Role>(ROLE, [context.getHandler(), context.getClass()]);
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const principal = await principalOf(this.options, request.headers.authorization);
    if (!mayAct(principal, needed)) {
      throw new ApiError(
        403,
        'FORBIDDEN',
        `this needs a token with role ${needed}; the token has role ${principal.role}`,
      );
    }
    request.principal = principal;
    return true;
  }
}
