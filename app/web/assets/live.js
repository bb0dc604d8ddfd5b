// One socket for a page (graphql-transport-ws), which heals by itself and goes on behind the last change it had.
// @ts-check

const PROTOCOL = 'graphql-transport-ws';
const LONGEST_WAIT_MS = 30000;

/**
 * Follows a subscription until the page is left. `next` gets each payload's data; `cursor` says where to go on.
 * @param {string} query @param {() => Record<string, unknown>} variables @param {(data: any) => void} next @param {(open: boolean) => void} told
 */
export function follow(query, variables, next, told) {
  let tries = 0;
  const connect = () => {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`, PROTOCOL);
    const say = (/** @type {unknown} */ message) => socket.send(JSON.stringify(message));
    socket.addEventListener('open', () => say({ type: 'connection_init' }));
    socket.addEventListener('message', (event) => {
      const message = JSON.parse(event.data);
      if (message.type === 'connection_ack') { tries = 0; told(true); say({ id: '1', type: 'subscribe', payload: { query, variables: variables() } }); }
      if (message.type === 'ping') say({ type: 'pong' });
      if (message.type === 'next' && message.payload.data) next(message.payload.data);
    });
    socket.addEventListener('close', (event) => {
      told(false);
      if (event.code === 4401 || event.code === 4403) return;
      tries += 1;
      setTimeout(connect, Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries));
    });
  };
  connect();
}
