import { isOfTheInput, isUnavailable } from './unavailable.js';

const stated = (code: string) => Object.assign(new Error('said by PostgreSQL'), { code });

describe('whose fault an error is', () => {
  it.each(['22021', '22P05', '23505', '21000', '54000'])('%s: of the values', (code) => {
    expect(isOfTheInput(stated(code))).toBe(true);
  });

  it.each([new TypeError('x is undefined'), new RangeError('too many'), 'thrown text', undefined])(
    'our own code fails on it (%s): of the values',
    (error) => {
      expect(isOfTheInput(error)).toBe(true);
    },
  );

  it.each(['53100', '08006', '57P01', '25006'])('%s: of a database that is away', (code) => {
    expect([isOfTheInput(stated(code)), isUnavailable(stated(code))]).toEqual([false, true]);
  });

  it.each(['XX000', '57014', '55P03', '40P01', '40001', '42501', '42703', '58030', 'P0001'])(
    '%s: of the database',
    (code) => {
      expect(isOfTheInput(stated(code))).toBe(false);
    },
  );

  it('a socket that fails: of the way there', () => {
    const error = Object.assign(new Error('connect ENETUNREACH'), { code: 'ENETUNREACH', syscall: 'connect' });
    expect(isOfTheInput(error)).toBe(false);
  });
});
