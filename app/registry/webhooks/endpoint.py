"""Where a webhook may point: an https URL of a DNS name. The addresses of the name are judged when something is sent.

One strict expression reads the URL, for saving and for sending, so that no two readers can take it differently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from app.errors import InvalidValue, refuses
from app.registry.values import nik

MOST_CHARACTERS = 2000
PORTS = {"https": 443, "http": 80}

_URL = re.compile(
    r"""
    (?P<scheme> https? ) ://
    (?P<host> (?= [a-z0-9.-]{1,253} (?: [:/?] | \Z ) ) [a-z0-9-]{1,63} (?: \. [a-z0-9-]{1,63} )* )
    (?: : (?P<port> [1-9][0-9]{0,4} ) )?
    (?P<path> / [a-z0-9._~!$&'()*+,;=:@%/-]* )?
    (?P<query> \? [a-z0-9._~!$&'()*+,;=:@%/?-]* )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A last label that begins with a digit would be read as a number by some: 2130706433, 0x7f000001, 127.1.
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    scheme: str
    host: str
    port: int
    target: str
    """Path and query. HTTP calls them the request's target."""

    def __str__(self) -> str:
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.target}"


@refuses(InvalidValue)
def parse(url: str, *, private: bool = False) -> Endpoint | InvalidValue:
    """`private` is for tests: any host, any port, and plain http."""
    found = _URL.fullmatch(url) if len(url) <= MOST_CHARACTERS else None
    if found is None:
        return _refused(
            f"Tulis https://nama/jalur, paling panjang {MOST_CHARACTERS} karakter, tanpa nama pengguna, # atau spasi.",
            f"Write https://name/path, at most {MOST_CHARACTERS} characters, without a user name, # or blanks.",
        )
    scheme, host = found["scheme"].lower(), found["host"].lower()
    if nik.is_written_in(unquote(url)):
        return _refused(
            "URL tidak boleh memuat angka seperti NIK; hapus angka itu.", "A URL holds no number like a NIK."
        )
    endpoint = Endpoint(
        scheme, host, int(found["port"] or PORTS[scheme]), (found["path"] or "/") + (found["query"] or "")
    )
    if endpoint.port > 65535:
        return _refused("Port paling tinggi 65535.", "A port is at most 65535.")
    return endpoint if private else _public(endpoint)


def _public(endpoint: Endpoint) -> Endpoint | InvalidValue:
    if endpoint.scheme != "https":
        return _refused("Harus https.", "It must be https.")
    if _NAME.fullmatch(endpoint.host) is None:
        return _refused(
            "Harus nama DNS lengkap, bukan alamat IP; nama internasional ditulis xn--….",
            "It must be a full DNS name, not an IP address; an international one is written xn--….",
        )
    # On ports below 1024 are other services. No receiver may make us talk to these.
    if endpoint.port != PORTS["https"] and endpoint.port < 1024:
        return _refused("Port 443, atau 1024 ke atas.", "Port 443, or 1024 and above.")
    return endpoint


def _refused(indonesian: str, english: str) -> InvalidValue:
    return InvalidValue("url", indonesian, english)
