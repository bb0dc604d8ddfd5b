"""What a server is told of its connections."""

from __future__ import annotations

from app.cli import serve
from app.config import Settings


def test_a_connection_is_kept_for_longer_than_a_pool_of_a_client_or_of_a_proxy_keeps_one() -> None:
    """Most of them close what was idle for 60 seconds. uvicorn's own 5 seconds lose calls that are sent meanwhile."""
    assert serve.configured(Settings()).timeout_keep_alive == 75
