"""Types and resolvers, a file for each topic. A resolver holds no rule of the domain."""
