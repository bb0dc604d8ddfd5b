"""Files of rows: what is sent to `POST /import`, and which import is over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pemudik_client.errors import Refused

PATH = "/import"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {".xlsx": XLSX, ".csv": "text/csv"}


def media_of(file: Path) -> str:
    """By the name of the file."""
    return MEDIA.get(file.suffix.lower(), "application/octet-stream")


def path_of(how: Mapping[str, Any]) -> str:
    """With what is ordered in its query string."""
    given = {name: _text(value) for name, value in how.items() if value is not None}
    return f"{PATH}?{urlencode(given)}" if given else PATH


def result_path(id: str, format: str) -> str:
    return f"{PATH}/{id}/result.{format}"


def is_over(job: Mapping[str, Any]) -> bool:
    """Raises `Refused` when the file could not be read."""
    if job["state"] == "FAILED":
        raise Refused.of({"code": job["failure"]["code"], "message": job["failure"]["message"]})
    return bool(job["state"] == "DONE")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
