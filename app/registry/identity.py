"""Identity document: KTP, SIM, KK or KIA is required at registration (S2.1); its type only, never an image.

The 12-column feeds do not carry it, so they do not require it.
"""

from app.errors import InvalidValue
from app.models.enums import IdentityDocument


def judge(document: str | None, *, required: bool) -> InvalidValue | None:
    if document is None:
        return _refused() if required else None
    return None if document in set(IdentityDocument) else _refused()


def _refused() -> InvalidValue:
    return InvalidValue(
        "identityDocument",
        "Dokumen identitas wajib: KTP, SIM, KK atau KIA.",
        "An identity document is required: KTP, SIM, KK or KIA.",
    )
