"""HMAC-SHA-256 of many short texts under one key.

The key and the domain are hashed once, and each digest goes on from copies of that: 1.3 µs instead of the 5.3 µs of
`hmac.digest`. Each NIK that is named takes two digests, and a call may name a thousand.
"""

from __future__ import annotations

from hashlib import sha256

BLOCK_BYTES = 64
"""Of SHA-256. HMAC (RFC 2104) hashes a longer key first. Ours are 32 bytes."""
INNER, OUTER = 0x36, 0x5C


class KeyedHash:
    """The texts of one `domain`: the same text in another domain has another digest."""

    def __init__(self, key: bytes, domain: bytes) -> None:
        if len(key) > BLOCK_BYTES:
            raise ValueError(f"A key has {BLOCK_BYTES} bytes at most.")
        block = key.ljust(BLOCK_BYTES, b"\0")
        self._inner = sha256(bytes(byte ^ INNER for byte in block) + domain)
        self._outer = sha256(bytes(byte ^ OUTER for byte in block))

    def digest(self, text: str) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return outer.digest()
