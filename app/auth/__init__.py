"""Who is calling: OAuth 2.0 client credentials through authlib, and the bearer tokens that come of them."""

import logging

# authlib logs tokens and assertion errors at DEBUG. Nothing below this name reaches a handler, at any level.
_authlib = logging.getLogger("authlib")
_authlib.addHandler(logging.NullHandler())
_authlib.propagate = False
