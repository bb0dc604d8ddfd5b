"""The pages: server-sent shells and plain ES modules, which are clients of `/graphql` like anybody else."""
