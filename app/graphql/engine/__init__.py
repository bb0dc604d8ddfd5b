"""How a document is parsed, measured, planned and executed. The engine knows graphql-core, and not the domain."""
