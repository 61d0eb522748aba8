import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import * as documents from '../src/query/documents';
import { DIMENSIONS, MEASURES } from '../src/types';

const schema = buildSchema(readFileSync(path.join(__dirname, '../../../schema.graphql'), 'utf8'));
const enumOf = (name: string) => schema.getType(name)?.toConfig() as unknown as { values: Record<string, unknown> };

describe("Whydrop's schema", () => {
  it.each(Object.entries(documents))('knows what %s asks for', (_, text) => {
    expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([]);
  });

  it('has the dimensions and sums that are offered', () => {
    expect(Object.keys(enumOf('TrendDimension').values)).toEqual(expect.arrayContaining([...DIMENSIONS]));
    expect(Object.keys(enumOf('TrendMeasure').values).sort()).toEqual([...MEASURES].sort());
  });
});
