"""How a document is parsed, measured, planned and executed. It knows graphql-core, and nothing of the domain."""
