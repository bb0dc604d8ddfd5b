"""What the pages are made of, besides their HTML: styles, scripts, icons, and the words of the scripts.

All of it stands under one address that holds a digest of all of it, so that a browser keeps it for a year and a module
finds its neighbours by `./name.js`. Whatever changes, changes the address.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import Language
from app.intake import http
from app.web import words

FOLDER = Path(__file__).parent / "assets"
MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PATH = "/assets/{digest}/{name}"
_IMPORT = re.compile(r"^(?:import|export) .*'\./([\w.-]+)';$", re.MULTILINE)
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    media: str
    plain: bytes
    gzipped: bytes


def read() -> Mapping[str, bytes]:
    """Every file by its name; the words of each language as a module."""
    files = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir()) if file.suffix in MEDIA}
    return files | {f"words.{language}.js": words.module(language).encode() for language in words.LANGUAGES}


FILES = read()
DIGEST = sha256(b"".join(name.encode() + content for name, content in sorted(FILES.items()))).hexdigest()[:16]
BASE = f"/assets/{DIGEST}"
ASSETS = {
    name: Asset(MEDIA[f".{name.rpartition('.')[2]}"], content, gzip.compress(content, mtime=0))
    for name, content in FILES.items()
}


@cache
def modules_of(script: str, language: Language) -> tuple[str, ...]:
    """Every module that a page's script needs. The page names them all, so that a browser asks for them at once."""
    found: dict[str, None] = {}
    waiting = [f"{script}.js", f"words.{language}.js"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += _IMPORT.findall(FILES[name].decode())
    return tuple(sorted(found))


def routes() -> list[Route]:
    return [Route(PATH, serve, methods=["GET"])]


async def serve(request: Request) -> Response:
    asset = ASSETS.get(request.path_params["name"])
    if asset is None or request.path_params["digest"] != DIGEST:
        return await http.no_such_address(request, Exception())
    gzipped = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding", "Cross-Origin-Resource-Policy": "same-origin"}
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.gzipped if gzipped else asset.plain, headers=headers, media_type=asset.media)
