"""The REST doors beside GraphQL: rows of the 12-column standard come in by webhook and file, and go out as files."""
