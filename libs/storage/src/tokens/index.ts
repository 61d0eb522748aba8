export { isRole, limitsFault, mayActAs, ROLES, type Role, type TokenLimits } from './roles.js';
export {
  authenticate,
  createToken,
  listTokens,
  revokeToken,
  type ApiToken,
  type NewToken,
  type Principal,
} from './token.store.js';
