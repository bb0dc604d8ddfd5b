"""The header `Idempotency-Key` (an IETF draft): every door reads the header alike, and refuses a repeat alike.

What is done once, and for how long its answer is kept, stands in `app.registry.clients.idempotency`.
"""

from __future__ import annotations

from app.auth.edge import RequestRefused
from app.registry.clients import idempotency
from app.registry.clients.idempotency import AnswerErased, KeyedRequest, KeyInUse, KeyReused
from app.vault.vault import Vault

HEADER = "idempotency-key"
LONGEST_KEY = 255
"""In characters."""
NOT_REPEATED = (KeyInUse, KeyReused, AnswerErased)
"""Why a request with a key is neither done nor answered as before."""


def keyed(vault: Vault, client_id: str, header: str | None, body: bytes) -> KeyedRequest | None:
    """The request under its key. None: it has no key. Raises `RequestRefused`.

    The key is a string of RFC 8941, `"..."`. A key without the quotes is taken as well.
    """
    if header is None:
        return None
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise RequestRefused(
            400,
            "IDEMPOTENCY_KEY_INVALID",
            f"Idempotency-Key: 1 sampai {LONGEST_KEY} karakter ASCII.",
            f"Idempotency-Key has 1 to {LONGEST_KEY} characters of ASCII.",
        )
    return idempotency.keyed(vault, client_id, key, body)


def refused(reason: KeyInUse | KeyReused | AnswerErased) -> RequestRefused:
    match reason:
        case KeyInUse():
            return RequestRefused(
                409,
                "IDEMPOTENCY_KEY_IN_USE",
                "Permintaan dengan Idempotency-Key ini masih diproses.",
                "The request with this Idempotency-Key is still being worked on.",
                headers={"Retry-After": "1"},
            )
        case KeyReused():
            return RequestRefused(
                422,
                "IDEMPOTENCY_KEY_REUSED",
                "Idempotency-Key ini sudah dipakai untuk isi yang lain.",
                "This Idempotency-Key came with another body before.",
            )
    return RequestRefused(
        410,
        "IDEMPOTENCY_ANSWER_ERASED",
        "Permintaan ini sudah dikerjakan; jawabannya telah dihapus bersama data seseorang.",
        "This request was done; its answer was erased together with the data of a person.",
    )
