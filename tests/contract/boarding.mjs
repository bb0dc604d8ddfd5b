// A sample organizer's subgraph: boarding passes for registrants, given as JSON in the first argument.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createYoga } from 'graphql-yoga';

const passes = JSON.parse(process.argv[2]);
const schema = buildSubgraphSchema({
  typeDefs: parse(readFileSync(new URL('boarding.graphql', import.meta.url), 'utf8')),
  resolvers: {
    Query: { myPasses: () => passes.filter((pass) => pass.listed) },
    BoardingPass: { registrant: (pass) => ({ id: pass.registrant }), route: (pass) => ({ id: pass.route }) },
    Registrant: { boardingPass: ({ id }) => passes.find((pass) => pass.registrant === id) },
  },
});
const server = createServer(createYoga({ schema, logging: false }));
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
