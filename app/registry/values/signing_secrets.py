"""The secret that signs webhooks, in either direction: 32 random bytes as Standard Webhooks writes a secret."""

from __future__ import annotations

import secrets
from base64 import b64encode

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_signing_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
