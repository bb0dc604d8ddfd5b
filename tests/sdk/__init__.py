"""The clients of `sdk/`, and the programs of `examples/` that use them, against a real server."""
