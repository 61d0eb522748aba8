import { Field, GraphQLSchemaBuilderModule, GraphQLSchemaFactory, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { GraphQLObjectType } from 'graphql';
import { dropPlainResolvers } from './plain-fields.js';

@ObjectType()
class Plant {
  @Field(() => String)
  name: string;

  @Field(() => String, { name: 'latin' })
  latinName: string;

  @Field(() => String, { defaultValue: 'green' })
  colour: string;
}

@Resolver(() => Plant)
class PlantResolver {
  @Query(() => Plant)
  plant(): Plant {
    return { name: 'oak', latinName: 'quercus', colour: 'brown' };
  }
}

it('takes the function from fields that read the property of their name, and from no other', async () => {
  const module = await Test.createTestingModule({ imports: [GraphQLSchemaBuilderModule] }).compile();
  const schema = dropPlainResolvers(await module.get(GraphQLSchemaFactory).create([PlantResolver]));
  const fields = (schema.getType('Plant') as GraphQLObjectType).getFields();
  const left = Object.values(fields).filter(({ resolve }) => resolve !== undefined);
  expect(left.map(({ name }) => name).toSorted()).toEqual(['colour', 'latin']);
});
