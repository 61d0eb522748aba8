import { interpolate } from '../src/query/interpolate';
import { templates } from './services';

const srv = templates({ ns: ['shop', 'payments'], one: ['db'], all: ['*'], none: [''], odd: ['a","b'] });

describe('dashboard variables', () => {
  it.each([
    [['shop'], ['shop']],
    [['$ns'], ['shop', 'payments']],
    [['$ns/$one'], ['shop/db', 'payments/db']],
    [
      ['x-$ns', 'x-shop'],
      ['x-shop', 'x-payments'],
    ],
    [['$odd'], ['a","b']],
    [['$unknown'], ['$unknown']],
  ])('%j are the values %j', (texts, values) => {
    expect(interpolate(texts, srv)).toEqual(values);
  });

  it.each([[undefined], [[]], [['']], [['$none']], [['$all']], [['shop', '*']]])('%j is no condition', (texts) => {
    expect(interpolate(texts, srv)).toBeUndefined();
  });
});
