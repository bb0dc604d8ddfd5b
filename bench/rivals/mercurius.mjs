// Mercurius with JIT: the fields of the registry that the bench asks for, without its rules.
// With DUTIES=1 each call has the duties of the registry: token, budget, and a row of the access log.
import { readFileSync } from "node:fs";

import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

import { clientOf } from "./tokens.mjs";
import { blindIndex, seal } from "./vault.mjs";

const duties = process.env.DUTIES === "1";
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });

const statement = (name) => readFileSync(new URL(`${name}.sql`, import.meta.url), "utf8");
const LOOK = { name: "look", text: statement("look") };
const CHECK = { name: "check", text: statement("check") };
const SUBMIT = { name: "submit", text: "SELECT id, refusal FROM rivals.submit($1, $2, $3, $4, $5, $6, $7)" };

const QUOTA_FULL = "QF000";

const schema = `
  scalar NIK
  type Query { checkNik(nik: NIK!): NikCheck! }
  type Mutation { submitRegistrant(input: SubmitRegistrant!): SubmissionResult! }
  type NikCheck { nik: NIK!  outcome: String!  available: Boolean!  standing: [Standing!]! }
  type Standing { organizer: Organizer!  status: String!  registeredOn: String! }
  type Organizer { code: ID! }
  input SubmitRegistrant { nik: NIK!  name: String!  routeId: ID!  identityDocument: String!  reference: String }
  union SubmissionResult = Submission | Problem
  type Submission { registrant: Registrant!  replayed: Boolean! }
  type Registrant { id: ID!  status: String! }
  type Problem { code: ID!  message: String! }
`;

const resolvers = {
  Query: {
    async checkNik(_, { nik }, { client }) {
      const index = blindIndex(nik);
      if (!duties) return answered(nik, (await pool.query({ ...LOOK, values: [index] })).rows[0]);
      const { rows } = await pool.query({ ...CHECK, values: [index, client] });
      if (rows.length === 0) throw new Error("too many checks");
      return answered(nik, rows[0]);
    },
  },
  Mutation: {
    async submitRegistrant(_, { input }, { client }) {
      const { nik, name, routeId, identityDocument, reference } = input;
      const values = [routeId, blindIndex(nik), seal(nik), seal(name), identityDocument, reference, client];
      const { id, refusal } = await submitted(values);
      if (refusal !== null) return { __typename: "Problem", code: refusal, message: refusal };
      return { __typename: "Submission", replayed: false, registrant: { id, status: "REGISTERED" } };
    },
  },
  SubmissionResult: { resolveType: (value) => value.__typename },
};

async function submitted(values) {
  try {
    return (await pool.query({ ...SUBMIT, values })).rows[0];
  } catch (error) {
    if (error.code === QUOTA_FULL) return { refusal: "QUOTA_FULL" };
    throw error;
  }
}

function answered(nik, row) {
  if (!row?.status) return { nik, outcome: "AVAILABLE", available: true, standing: [] };
  const { organizer_code: code, status, registered_at: at } = row;
  const standing = [{ organizer: { code }, status, registeredOn: at.toISOString().slice(0, 10) }];
  return { nik, outcome: "REGISTERED", available: false, standing };
}

const app = Fastify({ bodyLimit: 8 * 2 ** 20 });
const context = async (request) => ({ client: duties ? await clientOf(request.headers.authorization) : null });
app.register(mercurius, { schema, resolvers, context, jit: 1 });
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
