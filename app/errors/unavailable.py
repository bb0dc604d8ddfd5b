"""That the registry cannot answer now."""

from __future__ import annotations


class EverybodysError(Exception):
    """Not one item of a batch failed, but what all of them need: the database, or the request that brought them."""


class Unavailable(EverybodysError):  # noqa: N818
    """The registry cannot answer now. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(type(self).__name__)
        self.retry_after = retry_after


class TooManyChecks(Unavailable):
    """The client's budget of NIK checks is used up until `retry_after`."""


class Raced(Unavailable):
    """Another transaction took what this one was about to take. Running it again sees the winner."""
