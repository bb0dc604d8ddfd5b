from __future__ import annotations

import hmac

import pytest
from hypothesis import strategies as st

from app.vault.keyed_hash import KeyedHash
from tests.examples import given


@given(st.binary(max_size=64), st.binary(max_size=20), st.lists(st.text(max_size=100), min_size=1, max_size=3))
def test_it_is_hmac_sha_256_of_domain_and_text(key: bytes, domain: bytes, texts: list[str]) -> None:
    keyed = KeyedHash(key, domain)
    for text in texts:
        assert keyed.digest(text) == hmac.digest(key, domain + text.encode(), "sha256")


def test_a_key_that_hmac_would_hash_first_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes at most"):
        KeyedHash(b"k" * 65, b"")
