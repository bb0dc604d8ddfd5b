// Whose token it is: a token is verified once, and remembered until it ends.
import { createLocalJWKSet, jwtVerify } from "jose";

const MOST_TOKENS = 10_000;
const keys = createLocalJWKSet(JSON.parse(process.env.JWKS));
const known = new Map();

export async function clientOf(authorization) {
  const token = authorization?.startsWith("Bearer ") ? authorization.slice(7) : "";
  let found = known.get(token);
  if (found === undefined) {
    const { payload } = await jwtVerify(token, keys, { algorithms: ["ES256"] });
    found = { client: payload.client_id, until: payload.exp * 1000 };
    if (known.size >= MOST_TOKENS) known.clear();
    known.set(token, found);
  }
  if (Date.now() >= found.until) throw new Error("the token has ended");
  return found.client;
}
