"""When two names are one route's or one place's."""

import pytest

from app.models.enums import PlaceKind
from app.registry.values import spellings


@pytest.mark.parametrize(
    "name",
    [
        "Jakarta - Solo",
        "JAKARTA–SOLO",
        "jakarta — solo",
        "Jakarta−Solo",
        "Jakarta ke Solo",
        "Jakarta menuju Solo",
        "  Jakarta\u00a0-  Solo ",
        "Jakarta → Solo",
        "Jakarta/Solo",
        "Jakarta – Surakarta",
        "Jakarta - Sólo",
        "ＪＡＫＡＲＴＡ-Solo",
    ],
)
def test_spellings_of_one_route(name: str) -> None:
    assert spellings.of_route(name) == "jakartasurakarta"


@pytest.mark.parametrize(
    "name", ["Solo - Jakarta", "Jakarta - Solo 2", "Jakarta - Solo (Bus 1)", "Jakarta - Solo Balapan", "Jakarta Raya"]
)
def test_another_route(name: str) -> None:
    assert spellings.of_route(name) not in {"", "jakartasurakarta"}


@pytest.mark.parametrize("name", ["---", "ke", " ", "()"])
def test_what_is_no_name(name: str) -> None:
    assert spellings.of_route(name) == ""


def test_regency_and_city_of_one_name_are_two_routes() -> None:
    assert spellings.of_route("Jakarta - Kab. Semarang") != spellings.of_route("Jakarta - Kota Semarang")


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("Pulo Gebang", None, "pulogebang"),
        ("PULOGEBANG", None, "pulogebang"),
        ("Terminal Pulo-Gebang", PlaceKind.TERMINAL, "pulogebang"),
        ("Term. Pulo Gebang Tipe A", PlaceKind.TERMINAL, "pulogebang"),
        ("Stasiun Solo Balapan", PlaceKind.STATION, "surakartabalapan"),
        ("St. Surakarta Balapan", PlaceKind.STATION, "surakartabalapan"),
        ("Pelabuhan Tanjung Priok", PlaceKind.PORT, "tanjungpriok"),
        ("Terminal", None, "terminal"),
        ("Tipe A", None, ""),
    ],
)
def test_places(name: str, kind: str | None, key: str) -> None:
    assert spellings.of_place(name) == (kind, key)
