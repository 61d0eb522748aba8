export {
  authenticate,
  createToken,
  isRole,
  listTokens,
  revokeToken,
  ROLES,
  type ApiToken,
  type Principal,
  type Role,
} from './token.store.js';
