"""WebSockets as uvicorn speaks them, with small messages until the application knows who sends them.

Whoever has no token could otherwise have 4 MB kept, decoded and parsed for each socket.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

LONGEST_FIRST_MESSAGE = 8 * 1024
"""Bytes. A `connection_init` with an access token has about 1,000."""
TRUST = "pemudik.trust"
"""The extension of the scope by which the application allows messages of the usual size: a function."""


class BoundedSocketProtocol(WebSocketsSansIOProtocol):
    """One socket."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn.max_message_size = LONGEST_FIRST_MESSAGE

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        # The application's task has been made, and has not run yet. A refused handshake has no scope.
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[TRUST] = self._trust

    def _trust(self) -> None:
        self.conn.max_message_size = self.config.ws_max_size
