"""The rules and the use cases, a file each.

Use cases take sequences and answer a verdict per item, in the same order; the number of SQL statements does not depend
on the number of items. `now` is a parameter. Nothing here knows of HTTP, GraphQL or OAuth.
"""
