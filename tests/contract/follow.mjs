// Follows the changes in the way that the first argument names: one line of JSON for each.
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient as overEvents } from 'graphql-sse';
import { createClient as overSocket } from 'graphql-ws';
import WebSocket from 'ws';

const [way, url] = process.argv.slice(2);
const { AUTHORIZATION: authorization, AFTER: after, QUERY: query } = process.env;
const variables = { after };
let socket;

const sockets = () => overSocket({
  url: url.replace('http', 'ws'),
  webSocketImpl: class extends WebSocket {
    constructor(...given) {
      super(...given);
      socket = this;
    }
  },
  connectionParams: { authorization },
  retryWait: () => Promise.resolve(),
});
const urql = (...exchanges) => new Client({
  url, exchanges, fetchSubscriptions: true, preferGetMethod: false, fetchOptions: { headers: { authorization } },
});

const ways = {
  'graphql-ws': () => each(sockets().iterate({ query, variables })),
  'graphql-sse': () => each(overEvents({ url, headers: { authorization } }).iterate({ query, variables })),
  'urql over a socket': () => {
    const client = sockets();
    const forwardSubscription = ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: client.subscribe({ query, variables }, sink) }),
    });
    urql(subscriptionExchange({ forwardSubscription })).subscription(query, variables).subscribe(say);
  },
  'urql over events': () => urql(fetchExchange).subscription(query, variables).subscribe(say),
  // The payload is sent as it is then, so a connection that breaks is resumed behind the last change.
  'graphql-ws that breaks': async () => {
    for await (const result of sockets().iterate({ query, variables })) {
      say(result);
      variables.after = result.data.changes.cursor;
      socket.terminate();
    }
  },
};

async function each(results) {
  for await (const result of results) say(result);
}

function say({ data, error, errors }) {
  console.log(JSON.stringify(data?.changes ?? { error: errors ?? String(error) }));
}

await ways[way]();
