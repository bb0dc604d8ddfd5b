// Hive's gateway in front of the subgraphs that are named. It passes on who asks. PROTOCOL=WS follows over sockets.
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { supergraph } from './supergraph.mjs';

const overSockets = {
  pemudik: {
    options: {
      subscriptions: {
        kind: 'ws',
        location: '/graphql',
        options: { connectionParams: { Authorization: '{context.headers.authorization}' } },
      },
    },
  },
};
const gateway = createGatewayRuntime({
  supergraph: await supergraph(process.argv.slice(2)),
  logging: false,
  // It would ask for events by GET, with the operation in the URL.
  transportEntries: { '*.http': { options: { method: 'POST' } }, ...(process.env.PROTOCOL === 'WS' ? overSockets : {}) },
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') }),
  },
});
const server = createServer(gateway);
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
