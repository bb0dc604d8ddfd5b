"""Scopes as OAuth writes them (RFC 6749 §3.3). What each scope allows stands in `app.registry.clients.scopes`."""

from __future__ import annotations

from collections.abc import Sequence


def granted(requested: str | None, held: Sequence[str]) -> str | None:
    """The scope of a new token: what was asked for, or all that the client holds. None: the client holds less."""
    if requested is None:
        return " ".join(held)
    wanted = set(requested.split())
    if not wanted or not wanted <= set(held):
        return None
    return " ".join(scope for scope in held if scope in wanted)
