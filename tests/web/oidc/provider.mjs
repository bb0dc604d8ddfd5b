// A real OpenID provider. Whoever signs in is called as was typed; `unverified:` in front says that nobody verified the address.
// Says its issuer once it serves.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const [redirectUri, clientSecret] = process.argv.slice(2);
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'pemudik', client_secret: clientSecret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, email: accountId.replace('unverified:', ''), email_verified: !accountId.startsWith('unverified:') }),
    }),
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});
