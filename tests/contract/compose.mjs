// Composes schema.graphql with two organizers' subgraphs, in the way that the first argument names. The second argument is
// the file of one of them.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { composeServices as apollo } from '@apollo/composition';
import { composeServices as guild } from '@theguild/federation-composition';
import { federateSubgraphs, ROUTER_COMPATIBILITY_VERSION_ONE } from '@wundergraph/composition';
import { buildASTSchema, buildSchema, parse } from 'graphql';

const ways = {
  apollo: (subgraphs) => composed(apollo(subgraphs)),
  guild: (subgraphs) => composed(guild(subgraphs)),
  wundergraph: (subgraphs) => {
    const { errors, warnings, federatedGraphAST } = federateSubgraphs({
      subgraphs: subgraphs.map(({ typeDefs, ...named }) => ({ ...named, definitions: typeDefs })),
      version: ROUTER_COMPATIBILITY_VERSION_ONE,
    });
    return { errors, hints: warnings, schema: federatedGraphAST && buildASTSchema(federatedGraphAST) };
  },
};

function composed({ errors, hints, supergraphSdl }) {
  return { errors, hints, schema: supergraphSdl && buildSchema(supergraphSdl) };
}

function subgraph(name, file) {
  const typeDefs = parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
  return { name, typeDefs, url: `http://${name}` };
}

const subgraphs = [
  subgraph('pemudik', '../../schema.graphql'),
  subgraph('boarding', 'boarding.graphql'),
  subgraph('seats', pathToFileURL(process.argv[3])),
];
const { errors, hints, schema } = ways[process.argv[2]](subgraphs);
const fields = (type) => Object.keys(schema?.getType(type)?.getFields() ?? {});
console.log(JSON.stringify({
  said: [...(errors ?? []), ...(hints ?? [])].map(({ message }) => message),
  fields: Object.fromEntries(['Query', 'Mutation', 'Registrant', 'Route', 'BoardingPass'].map((type) => [type, fields(type)])),
}));
