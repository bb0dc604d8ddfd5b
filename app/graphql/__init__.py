"""The main door: `/graphql`, a federation subgraph over the registry. A resolver holds no rule of the domain."""
