import fc from 'fast-check';
import { Cursors } from './cursor.js';

const COLUMNS = [
  { sql: 'at', type: 'instant' },
  { sql: 'id', type: 'text' },
] as const;

describe('cursors', () => {
  it('are read as they were written, whatever the values', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string({ unit: 'grapheme' }), (at, id) => {
        fc.pre(!id.includes('\0'));
        const cursors = new Cursors(COLUMNS, 'drops', { namespace: { eq: 'dev' } });
        expect(cursors.read(cursors.write([String(at), id]))).toEqual([String(at), id]);
      }),
    );
  });

  it('belong to a filter, however its parts are ordered, and to no other', () => {
    const one = new Cursors(COLUMNS, 'drops', { a: { eq: 1 }, b: { in: [1, 2] } });
    const same = new Cursors(COLUMNS, 'drops', { b: { in: [1, 2], eq: null }, a: { eq: 1 }, c: undefined });
    const cursor = one.write(['1', 'x']);
    expect(same.read(cursor)).toEqual(['1', 'x']);
    for (const other of [
      { a: { eq: 1 } },
      { a: { eq: 1 }, b: { in: [2, 1] } },
      { a: { eq: '1' }, b: { in: [1, 2] } },
    ]) {
      expect(() => new Cursors(COLUMNS, 'drops', other).read(cursor)).toThrow('another filter');
    }
  });

  it('are refused when they are anything else', () => {
    const cursors = new Cursors(COLUMNS, 'drops');
    fc.assert(fc.property(fc.string(), (text) => expect(() => cursors.read(text)).toThrow('after:')));
    const [list] = JSON.parse(Buffer.from(cursors.write(['1', 'x']), 'base64url').toString()) as string[];
    for (const parts of [[list], [list, 'x', 'x'], [list, '1'], [list, '1', 'x', 'y'], [list, 1, 'x'], { list }]) {
      const text = Buffer.from(JSON.stringify(parts)).toString('base64url');
      expect(() => cursors.read(text)).toThrow('not a cursor');
    }
  });
});
