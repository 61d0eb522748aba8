import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Test } from '@nestjs/testing';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { openDatabase } from '@whydrop/storage';
import { printSchema, type GraphQLObjectType } from 'graphql';
import { ApiModule } from '../src/api.module.js';
import { createAdapter } from '../src/prepare.js';

const FILE = path.resolve(import.meta.dirname, '../../../schema.graphql');

it('schema.graphql is what the API serves; UPDATE=1 writes it anew', async () => {
  const database = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
  const options = { database, storeQueue: { enqueue: () => Promise.resolve() }, knownFormats: [] };
  const module = await Test.createTestingModule({ imports: [ApiModule.forRoot(options)] }).compile();
  const app = module.createNestApplication(createAdapter());
  try {
    await app.init();
    const printed = `${printSchema(app.get(GraphQLSchemaHost).schema)}\n`;
    if (process.env['UPDATE'] === '1') writeFileSync(FILE, printed);
    expect(readFileSync(FILE, 'utf8')).toBe(printed);
    // What only reads a property is left to the query compiler; what has a resolver keeps it
    const { key, explanation } = (app.get(GraphQLSchemaHost).schema.getType('Drop') as GraphQLObjectType).getFields();
    expect([key?.resolve, typeof explanation?.resolve]).toEqual([undefined, 'function']);
  } finally {
    await app.close();
    await database.close();
  }
});
