"""What a parsed document no longer needs: its tokens, which are two thirds of its objects.

Tokens know the ones before and behind them, so only the garbage collector would find them. The more objects it looks
at, the longer nobody is answered. Errors tell places by the offsets that each location keeps.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import DocumentNode, Node, Token, TokenKind

_NO_TOKEN = Token(TokenKind.SOF, 0, 0, 0, 0)


def forget(document: DocumentNode) -> None:
    """Of a document that was just parsed, and that nobody else holds."""
    if document.loc is None:
        return
    token: Token | None = document.loc.start_token
    while token is not None:
        following = token.next
        token.prev = token.next = None
        token = following
    for node in _nodes(document):
        if node.loc is not None:
            node.loc.start_token = node.loc.end_token = _NO_TOKEN


def _nodes(document: DocumentNode) -> Iterator[Node]:
    waiting: list[Node] = [document]
    while waiting:
        node = waiting.pop()
        yield node
        for key in node.keys:
            value = getattr(node, key)
            if isinstance(value, Node):
                waiting.append(value)
            elif isinstance(value, tuple):
                waiting.extend(value)
