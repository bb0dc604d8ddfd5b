"""To which addresses a webhook may go: public ones, whatever they are written as and whatever a name says later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpcore
import pytest

from app.changes.webhooks.addresses import AddressRefused, NameNotFound, PublicNetwork, Resolver, is_public
from tests.receivers import receiving

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - refused
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:a9fe:a9fe",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2002:808:808::1",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:a00:1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fec0::1",
        "ff02::1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "",
    ],
)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2404:6800:4003::200e",
    ],
)
def test_what_is_public_is_not(address: str) -> None:
    assert is_public(address)


def saying(*answers: Sequence[str]) -> Callable[[str, int], object]:
    """A name server that answers one after the other, the last one for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "1.1.1.1", "9.9.9.9", "8.8.4.4", "10.0.0.1"],
        ["2606:4700:4700::1111", "::ffff:169.254.169.254"],
    ],
)
async def test_one_address_that_is_not_public_is_enough(addresses: list[str]) -> None:
    async with receiving() as receiver:
        with pytest.raises(AddressRefused):
            await PublicNetwork(saying(addresses)).connect_tcp("hook.example", receiver.port, timeout=2)
        assert receiver.connections == 0


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    """A name that says something else a moment later leads nowhere else: it is asked once."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    async with receiving() as elsewhere, receiving(host="127.0.0.2", port=elsewhere.port) as judged:
        stream = await PublicNetwork(rebinding, private=True).connect_tcp("hook.example", judged.port, timeout=2)
        assert stream.get_extra_info("server_addr") == ("127.0.0.2", judged.port)
        await stream.aclose()
        assert asked == ["hook.example"]
        assert elsewhere.connections == 0


async def test_a_name_is_judged_at_each_connection() -> None:
    async with receiving() as receiver:
        backend = PublicNetwork(saying([], ["127.0.0.1"]))
        with pytest.raises(NameNotFound):
            await backend.connect_tcp("hook.example", receiver.port, timeout=2)
        with pytest.raises(AddressRefused):
            await backend.connect_tcp("hook.example", receiver.port, timeout=2)
        assert receiver.connections == 0


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with receiving() as receiver:
        backend = PublicNetwork(saying(["127.0.0.2", "127.0.0.1"]), private=True)
        stream = await backend.connect_tcp("hook.example", receiver.port, timeout=4)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", receiver.port)
        await stream.aclose()


async def test_a_name_without_addresses() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError

    for resolve in (unknown, saying([])):
        with pytest.raises(NameNotFound):
            await PublicNetwork(resolve).connect_tcp("hook.example", 443)


async def test_a_name_server_that_does_not_answer_takes_no_longer_than_connecting_may() -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(httpcore.ConnectTimeout):
        await PublicNetwork(silent).connect_tcp("hook.example", 443, timeout=0.05)


async def test_the_systems_resolver_sees_through_every_way_to_write_an_address() -> None:
    resolver = Resolver()
    try:
        for host in ("127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"):
            assert set(await resolver(host, 443)) <= {"127.0.0.1", "::1"}
            with pytest.raises(AddressRefused):
                await PublicNetwork(resolver).connect_tcp(host, 443, timeout=2)
        with pytest.raises(NameNotFound):
            await PublicNetwork(resolver).connect_tcp("no-such-name.invalid", 443, timeout=10)
    finally:
        resolver.close()
