"""`GET /openapi.json`: the addresses that are not GraphQL, as OpenAPI 3.1 describes them.

Paths, methods, parameters, scopes and refusals come from the doors themselves. What only a person can tell stands in
`operations` and `schemas`. A door that nobody has described there fails a test.
"""
