"""The clients for PHP, JavaScript and Python (`sdk/`) below `/panduan/klien/`, for whoever has the guide alone.

Every file is plain text, under its path in `sdk/`: so an example finds its client where it looks for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.intake import http

_BESIDE = Path(__file__).resolve().parent.parent
FOLDER = next(path for path in (_BESIDE / "_sdk", _BESIDE.parent / "sdk") if path.exists())
"""In an installed wheel, or in a checkout."""
PATH = "/panduan/klien"
SUFFIXES = {".php", ".js", ".ts", ".py", ".json", ".toml", ".md"}
STRANGE = {"node_modules", "vendor", "build", "dist"}
"""Folders of whoever works on the clients in a checkout. So is one with a dot in front."""
FILES = {
    name.as_posix(): FOLDER / name
    for name in (file.relative_to(FOLDER) for file in FOLDER.rglob("*.*"))
    if name.suffix in SUFFIXES and not any(part in STRANGE or part.startswith(".") for part in name.parts)
}
"""By the path in `sdk/`. Nothing else is served, whatever the path of a request says."""


def routes() -> list[Route]:
    return [Route(f"{PATH}/{{name:path}}", serve, methods=["GET"])]


async def serve(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        return await http.no_such_address(request, Exception())
    return PlainTextResponse(_text(name), headers={"Cache-Control": "no-cache"})


@cache
def _text(name: str) -> str:
    return FILES[name].read_text(encoding="utf-8")
