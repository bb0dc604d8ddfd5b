"""The main door: `/graphql`, a federation subgraph over the registry. No rule of the domain stands in a resolver."""
