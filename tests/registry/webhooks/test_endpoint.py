"""What URL a webhook may have."""

from __future__ import annotations

import pytest

from app.errors import InvalidValue
from app.registry.webhooks import endpoint
from app.registry.webhooks.endpoint import Endpoint


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://hook.example", "https://hook.example/"),
        ("https://hook.example/", "https://hook.example/"),
        ("HTTPS://Hook.Example:443/Jalur?q=1", "https://hook.example/Jalur?q=1"),
        ("https://hook.example:8443/a/b%20c?x=1", "https://hook.example:8443/a/b%20c?x=1"),
        ("https://hook.example?x=/?@", "https://hook.example/?x=/?@"),
        ("https://hook.example:1024/a:b@c", "https://hook.example:1024/a:b@c"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://a-1.b.go.id:65535/", "https://a-1.b.go.id:65535/"),
    ],
)
def test_what_may_be_sent_to(url: str, written: str) -> None:
    found = endpoint.parse(url)
    assert isinstance(found, Endpoint)
    assert str(found) == written
    assert endpoint.parse(written) == found


SHAPE = "Write https://name/path, at most 2000 characters, without a user name, # or blanks."
NAME = "It must be a full DNS name, not an IP address; an international one is written xn--…."
PORT = "Port 443, or 1024 and above."


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", SHAPE),
        ("hook.example", SHAPE),
        ("ftp://hook.example/", SHAPE),
        ("file:///etc/passwd", SHAPE),
        ("https:///path", SHAPE),
        ("https:/hook.example", SHAPE),
        ("https://user@hook.example/", SHAPE),
        ("https://user:secret@hook.example/", SHAPE),
        ("https://hook.example@127.0.0.1/", SHAPE),
        ("https://127.0.0.1\\@hook.example/", SHAPE),
        ("https://hook.example#@127.0.0.1/", SHAPE),
        ("https://hook.example/#part", SHAPE),
        ("https://hook.example/a b", SHAPE),
        (" https://hook.example/", SHAPE),
        ("https://hook.example/\n", SHAPE),
        ("https://hook.example\r\nHost: other/", SHAPE),
        ("https://hook.example/\t", SHAPE),
        ("https://hook.example/\x00", SHAPE),
        ("https://hook.example:/", SHAPE),
        ("https://hook.example:0443/", SHAPE),
        ("https://hook.example:443:80/", SHAPE),
        ("https://hook.example:-1/", SHAPE),
        ("https://hook.example:١٢٣/", SHAPE),
        ("https://bücher.example/", SHAPE),
        ("https://ⓗook.example/", SHAPE),
        ("https://hook。example/", SHAPE),
        ("https://[::1]/", SHAPE),
        ("https://[::ffff:127.0.0.1]:443/", SHAPE),
        ("https://[fe80::1%25eth0]/", SHAPE),
        ("https://.example/", SHAPE),
        ("https://hook..example/", SHAPE),
        ("https://hook.example./", SHAPE),
        (f"https://{'a' * 64}.example/", SHAPE),
        (f"https://{'a.' * 126}example/", SHAPE),
        (f"https://hook.example/{'a' * 1980}", SHAPE),
        ("https://localhost/", NAME),
        ("https://hook/", NAME),
        ("https://127.0.0.1/", NAME),
        ("https://8.8.8.8/", NAME),
        ("https://2130706433/", NAME),
        ("https://0x7f000001/", NAME),
        ("https://0x7f.0x0.0x0.0x1/", NAME),
        ("https://0177.0.0.1/", NAME),
        ("https://127.1/", NAME),
        ("https://-hook.example/", NAME),
        ("https://hook-.example/", NAME),
        ("https://hook.example-/", NAME),
        ("http://hook.example/", "It must be https."),
        ("https://hook.example:80/", PORT),
        ("https://hook.example:22/", PORT),
        ("https://hook.example:1023/", PORT),
        ("https://hook.example:65536/", "A port is at most 65535."),
        ("https://hook.example:99999/", "A port is at most 65535."),
    ],
)
def test_what_may_not(url: str, why: str) -> None:
    refused = endpoint.parse(url)
    assert isinstance(refused, InvalidValue)
    assert (refused.field, refused.message("en")) == ("url", why)
    assert refused.message("id") != why


def test_the_longest_one() -> None:
    assert isinstance(endpoint.parse("https://hook.example/" + "a" * (2000 - 21)), Endpoint)


def test_a_shorter_number_may_stand_in_it() -> None:
    assert isinstance(endpoint.parse("https://hook.example/320101010190900"), Endpoint)


@pytest.mark.parametrize(
    "url",
    [
        "https://hook.example/{}",
        "https://hook.example/a?nik={}&b=1",
        "https://hook.example/a{}b",
        "https://hook.example/3201.0101.0190.9001",
        "https://hook.example/%33201010101909001",
    ],
)
def test_no_nik_may_stand_in_it(url: str) -> None:
    """A URL is logged on its way, and shown to whoever lists webhooks."""
    refused = endpoint.parse(url.format("3201010101909001"))
    assert isinstance(refused, InvalidValue)
    assert refused.message("id") == "URL tidak boleh memuat angka seperti NIK; hapus angka itu."


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/a?b", "http://localhost/", "https://hook:22/"])
def test_for_tests_any_address_will_do(url: str) -> None:
    found = endpoint.parse(url, private=True)
    assert isinstance(found, Endpoint)
    assert str(found) == url
    assert isinstance(endpoint.parse(url), InvalidValue)
