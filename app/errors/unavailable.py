"""That the registry cannot answer now."""

from __future__ import annotations

from typing import ClassVar

from app.language import Language


class EverybodysError(Exception):
    """Not one item of a batch failed, but what all of them need: the database, or the request that brought them."""


class Unavailable(EverybodysError):  # noqa: N818
    """The registry cannot answer now. `retry_after` is in whole seconds."""

    indonesian: ClassVar = "Registri sedang tidak dapat menjawab; coba lagi setelah {} detik."
    english: ClassVar = "The registry cannot answer now; try again after {} seconds."

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(type(self).__name__)
        self.retry_after = retry_after

    def message(self, language: Language) -> str:
        return (self.english if language == "en" else self.indonesian).format(self.retry_after)


class TooManyChecks(Unavailable):
    """The client's budget of NIK checks is used up until `retry_after`."""

    indonesian = "Jatah pemeriksaan NIK klien ini habis; coba lagi setelah {} detik."
    english = "This client's budget of NIK checks is used up; try again after {} seconds."


class TooManyOperations(Unavailable):
    """So much of this client waits for its turn in this process that one more would wait for too long."""

    indonesian = "Terlalu banyak operasi klien ini yang masih menunggu giliran; coba lagi setelah {} detik."
    english = "Too many operations of this client wait for their turn already; try again after {} seconds."


class TooManyResets(Unavailable):
    """A test registry was made new so often that the next time has to wait: what is left of each stays for a minute."""

    indonesian = "Registri uji ini terlalu sering diulang dari awal; coba lagi setelah {} detik."
    english = "This test registry was reset too often; try again after {} seconds."


class ShutOut(Unavailable):
    """The organizer has used up its allowance of NIKs, and was refused as often again, until `retry_after`."""

    indonesian = (
        "Jatah pemeriksaan NIK penyelenggara ini sudah habis, dan sebanyak itu lagi pendaftaran sudah ditolak;"
        " coba lagi setelah {} detik (tengah malam WIB), atau minta jatah yang lebih besar kepada Ditjen Hubdat."
    )
    english = (
        "The organizer's allowance of NIKs is used up, and as many registrations were refused again; try again after {}"
        " seconds (midnight WIB), or ask Ditjen Hubdat for a larger allowance."
    )


class Raced(Unavailable):
    """Another transaction took what this one was about to take. Running it again sees the winner."""
