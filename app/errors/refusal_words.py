"""What is said of each refusal beside its message: what it means, and what to do about it. The texts are in
`refusals.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from app.errors.refusal import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalWords:
    meaning: str
    """For the schema, in English."""
    title: Mapping[Language, str]
    remedy: Mapping[Language, str]
    """What the developer of a client does about it."""
    row_remedy: Mapping[Language, str] | None = None
    """What a clerk does about a row that is refused so. None: no row is."""


_TEXTS = Path(__file__).with_name("refusals.toml").read_text("utf-8")
WORDS: Mapping[str, RefusalWords] = MappingProxyType(
    {code: RefusalWords(**words) for code, words in tomllib.loads(_TEXTS).items()}
)
"""By the code of the refusal."""
