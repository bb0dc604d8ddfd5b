from collections import Counter

import pytest
from hypothesis import strategies as st

from app.registry.values import cities
from app.registry.values.cities import key
from app.registry.values.regions import regions
from tests.examples import given

SPELLINGS = """
kota surakarta: Solo|SOLO|Kota Solo|Kota Surakarta|SURAKARTA, KOTA|surakarta|Kota  Surakarta |Kotamadya Surakarta
kota surakarta: Kodya Surakarta|Surakarta (Kota)|KOTA_SURAKARTA|kota-surakarta
kota yogyakarta: Jogja|Yogya|Jogjakarta|Yogyakarta|Kota Yogyakarta|KOTA JOGJA
kabupaten banyumas: Purwokerto|Banyumas|Kab. Banyumas|KAB.BANYUMAS|Kabupaten Banyumas|Kab Banyumas|Banyumas, Kab.
kabupaten banyumas: Kota Purwokerto
kabupaten gunungkidul: Wonosari|Gunungkidul|Gunung Kidul|Kab. Gunung-Kidul|Kab. Gunungkidul (Wonosari)
kota tangerangselatan: Tangsel|Kota Tangsel|Tangerang Selatan|Kota Tangerang Selatan
kota jakartatimur: Jaktim|Jakarta Timur|Kota Adm. Jakarta Timur|KOTA ADMINISTRASI JAKARTA TIMUR
kota jakartabarat: Jakbar
kota jakartapusat: Jakpus
kota jakartaselatan: Jaksel
kota jakartautara: Jakut
kabupaten kepulauanseribu: Kab. Adm. Kepulauan Seribu|Kepulauan Seribu
kabupaten wonogiri: Wonogiri
kabupaten kotabaru: Kotabaru
kota kotamobagu: Kota Kotamobagu|Kotamobagu
kabupaten pasangkayu: Pasangkayu|Kab. Pasangkayu (Mamuju Utara)
jakarta: Jakarta
dili: Dili
kota: Kota
: - |
"""


@pytest.fixture(autouse=True)
def read_anew() -> None:
    """A test that no coverage follows may have had the names read."""
    for cached in vars(cities).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


def spellings() -> list[tuple[str, str]]:
    lines = (line.partition(":") for line in SPELLINGS.strip("\n").splitlines())
    return [(city, same) for same, _, cities in lines for city in cities.split("|")]


@pytest.mark.parametrize(("city", "same"), spellings())
def test_spellings_of_one_city_are_equal(city: str, same: str) -> None:
    assert key(city) == same


def test_a_city_and_a_regency_of_one_name_differ_and_the_bare_name_is_the_city() -> None:
    assert key("Kota Semarang") == key("Semarang") == "kota semarang"
    assert key("Kab. Semarang") == key("SEMARANG (KAB)") == "kabupaten semarang"


def test_a_kind_that_is_said_is_believed() -> None:
    assert key("Kota Banyumas") == "kota banyumas"


def test_the_official_name_of_a_city_is_kemendagris() -> None:
    assert cities.official(key("Solo")) == "Kota Surakarta"
    assert cities.official(key("Dili")) is None


def test_no_two_regencies_of_the_country_are_taken_for_one() -> None:
    counted = Counter(map(key, regions().regencies.values()))
    assert len(counted) == 514
    assert [city for city, count in counted.items() if count > 1] == []


@given(st.sampled_from(sorted(regions().regencies.values())), st.sampled_from([str.upper, str.lower, str.title]))
def test_case_blanks_and_the_place_of_the_kind_do_not_count(name: str, change: object) -> None:
    kind, _, rest = name.partition(" ")
    spelled = change(f"  {rest.replace(' ', '  ')} ,{kind}")  # type: ignore[operator]
    assert key(spelled) == key(name)
