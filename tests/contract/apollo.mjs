// Apollo's gateway for JavaScript in front of the subgraphs that are named, without Apollo's server.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { parse } from 'graphql';
import { supergraph } from './supergraph.mjs';

class PassingOn extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (context.authorization) request.http.headers.set('authorization', context.authorization);
  }
}

// It does not know the features of security, and refuses a supergraph that has them. The registry enforces scopes itself.
const plain = (await supergraph(process.argv.slice(2))).replaceAll(', for: SECURITY', '');
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const gateway = new ApolloGateway({
  supergraphSdl: plain, logger: silent, buildService: ({ url }) => new PassingOn({ url }),
});
const { executor } = await gateway.load();

async function answer(incoming) {
  const { query, variables, operationName } = JSON.parse(await text(incoming));
  return executor({
    document: parse(query),
    request: { query, variables, operationName },
    operationName: operationName ?? null,
    queryHash: createHash('sha256').update(query).digest('hex'),
    context: { authorization: incoming.headers.authorization },
    cache: { get: async () => undefined, set: async () => undefined, delete: async () => true },
    metrics: {},
    overallCachePolicy: { restrict() {}, replace() {}, policyIfCacheable: () => null },
    schema: gateway.schema,
    logger: silent,
  });
}

const server = createServer(async (incoming, outgoing) => {
  outgoing.setHeader('content-type', 'application/json');
  outgoing.end(JSON.stringify(await answer(incoming)));
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
