// Hive's gateway in front of the two subgraphs whose addresses are given. It passes on who asks.
import { createServer } from 'node:http';
import { composeServices } from '@apollo/composition';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { parse } from 'graphql';

async function subgraph(name, url) {
  const headers = { 'content-type': 'application/json', authorization: process.env.AUTHORIZATION };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: '{ _service { sdl } }' }) });
  const { data } = await answer.json();
  return { name, url, typeDefs: parse(data._service.sdl) };
}

const [pemudik, boarding] = process.argv.slice(2);
const { errors, supergraphSdl } = composeServices([
  await subgraph('pemudik', pemudik),
  await subgraph('boarding', boarding),
]);
if (errors) throw new AggregateError(errors);
const gateway = createGatewayRuntime({
  supergraph: supergraphSdl,
  logging: false,
  // It would ask for events by GET, with the operation in the URL.
  transportEntries: { '*.http': { options: { method: 'POST' } } },
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') }),
  },
});
const server = createServer(gateway);
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
