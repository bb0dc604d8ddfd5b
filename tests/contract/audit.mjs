// graphql-http's audits of GraphQL over HTTP, as a client with the token of AUTHORIZATION.
import { auditServer } from 'graphql-http';

const authorization = process.env.AUTHORIZATION;
const results = await auditServer({
  url: process.argv[2],
  fetchFn: (url, { headers, ...init } = {}) => fetch(url, { ...init, headers: { ...headers, authorization } }),
});
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
