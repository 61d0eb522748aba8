import { newTokenOf } from './limits.js';

const NOW = Date.parse('2026-11-20T12:00:00Z');

describe('the words of token create', () => {
  it('make the token that they say', () => {
    const words = { name: 'team', role: 'viewer', namespace: 'a, b', expires: '90d' };
    expect(newTokenOf(words, NOW)).toEqual({
      name: 'team',
      role: 'viewer',
      namespaces: ['a', 'b'],
      expiresAt: new Date('2027-02-18T12:00:00Z'),
    });
    const node = { name: 'n', role: 'collector', cluster: 'prod', node: 'n7', expires: '2027-01-01T00:00:00Z' };
    expect(newTokenOf(node, NOW)).toMatchObject({ node: 'n7', expiresAt: new Date('2027-01-01T00:00:00Z') });
    expect(newTokenOf({ name: 'n', role: 'ingest' }, NOW)).toMatchObject({ role: 'ingest' });
  });

  it.each([
    [{ role: 'viewer' }, 'give --name and --role'],
    [{ name: 'x', role: 'root' }, '--role root: must be one of collector, ingest, viewer, operator, admin'],
    [{ name: 'x', role: 'collector', node: 'n7' }, 'name its cluster and node'],
    [{ name: 'x', role: 'viewer', namespace: '' }, 'a namespace is lower-case letters'],
    [{ name: 'x', role: 'admin', namespace: 'dev' }, 'only a viewer or an operator is limited to namespaces'],
    [{ name: 'x', role: 'viewer', cluster: 'prod' }, 'a cluster goes with namespaces'],
    [{ name: 'x', role: 'viewer', expires: 'soon' }, '--expires soon: give 30m, 12h, 90d or a time'],
    [{ name: 'x', role: 'viewer', expires: '0d' }, '--expires 0d: it would be over'],
  ])('%j: are refused with the word at fault', (words, message) => {
    expect(() => newTokenOf(words, NOW)).toThrow(message);
  });
});
