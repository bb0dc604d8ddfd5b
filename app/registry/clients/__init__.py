"""OAuth clients of organizers: secrets, keys, scopes, idempotency keys and webhook secrets."""
