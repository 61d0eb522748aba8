import { hashSecret, makeToken, parseToken } from './secret.js';

describe('token text', () => {
  it('is taken apart as it was put together', () => {
    const token = makeToken();
    expect(token.text).toMatch(/^whd_[a-z0-9]{12}_[0-9a-f]{64}_[0-9a-f]{8}$/);
    expect(parseToken(token.text)).toEqual({ id: token.id, secret: token.secret });
  });

  it('is refused with any one character changed', () => {
    const { text } = makeToken();
    for (let i = 0; i < text.length; i++) {
      const other = text[i] === '0' ? '1' : '0';
      expect(parseToken(text.slice(0, i) + other + text.slice(i + 1))).toBeUndefined();
    }
  });

  it.each(['', 'whd_', 'Bearer x', 'whd_abc_def_ghi'])('refuses %p', (text) => {
    expect(parseToken(text)).toBeUndefined();
  });

  it('stores a hash that does not hold the secret', () => {
    const { secret } = makeToken();
    expect(hashSecret(secret)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashSecret(secret)).not.toBe(secret);
  });
});
