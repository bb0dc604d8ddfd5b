// What strict tools say of the plain schema in the file that is named: graphql-js, and graphql-inspector on every root field.
import { readFileSync } from 'node:fs';
import { diff, validate } from '@graphql-inspector/core';
import { assertValidSchema, buildSchema, Source } from 'graphql';

const schema = buildSchema(readFileSync(process.argv[2], 'utf8'));
assertValidSchema(schema);
const queries = [new Source('query { me { id } checkNik(nik: "3171030101909001") { outcome } }')];
console.log(JSON.stringify({
  types: Object.keys(schema.getTypeMap()).length,
  changes: (await diff(schema, schema)).length,
  invalid: validate(schema, queries).length,
}));
