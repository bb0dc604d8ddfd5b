"""No NIK and no name reaches a log, an error, a header or the database's own log, whatever fails.

Every kind of failure is driven on real server processes, with NIKs and names of known people; then everything that was
written is searched for them, in plain, with separators, in base64 and in hexadecimal digits.
"""
