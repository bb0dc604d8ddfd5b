"""PostgreSQL for a machine that has none. `postgres` runs the server, `run_as` and `unprivileged` keep it from root."""
