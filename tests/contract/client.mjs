// A stock OAuth client: discovery, client credentials in the way that METHOD names, and what an API does with the token.
import * as oauth from 'oauth4webapi';

const { METHOD, CLIENT_ID, SECRET, PRIVATE_KEY } = process.env;
const methods = {
  client_secret_basic: () => oauth.ClientSecretBasic(SECRET),
  client_secret_post: () => oauth.ClientSecretPost(SECRET),
  private_key_jwt: async () => oauth.PrivateKeyJwt(await imported(JSON.parse(PRIVATE_KEY))),
};

async function imported(jwk) {
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: jwk.crv }, false, ['sign']);
  return { key, kid: jwk.kid };
}

const http = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(process.argv[2]);
const discovered = await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' });
const server = await oauth.processDiscoveryResponse(issuer, discovered);
const client = { client_id: CLIENT_ID };
const answer = await oauth.clientCredentialsGrantRequest(
  server, client, await methods[METHOD](), { scope: 'nik:check registrants:read' }, http,
);
const token = await oauth.processClientCredentialsResponse(server, client, answer);
const headers = { authorization: `Bearer ${token.access_token}` };
const api = new URL('/graphql', issuer);
const claims = await oauth.validateJwtAccessToken(server, new Request(api, { headers }), api.href, http);
console.log(JSON.stringify({ supported: server.token_endpoint_auth_methods_supported, token, claims }));
