"""The demo season's catalogue: S1's table as published, public departure points, and invented but realistic trips.

The two members of Jasa Raharja are invented; everything else that has a name here is public.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.models.enums import Direction, Mode, PlaceKind, Service
from app.registry.routes.terminals import TerminalInput
from app.registry.terms.organizers import OrganizerInput
from app.registry.terms.policy import PolicyInput

TABLE = """\
no,code,name,registration_opens,registration_closes,closes_note,verification_opens,verification_closes,integration_note
1,ahm,AHM (Honda),2024-02-26,,Melihat kuota akhir,,,
2,jasa-raharja,Jasa Raharja,2024-03-04,,,,,Pertukaran melalui API untuk cek pendaftaran; \
Opsi setiap hari konsolidasi data
3,banhub-jateng,Banhub Prov. Jateng,2024-03-06,,,,,
4,dishub-kota-tangerang,Dishub Kota Tangerang,2024-03-13,2024-03-20,,,,
5,dishub-tangsel,Dishub Kota Tangsel,2024-03-13,2024-03-15,,2024-03-20,2024-03-22,
6,dishub-dki,Dishub Prov. DKI Jakarta,2024-03-13,2024-03-24,,2024-03-25,2024-03-29,
7,dishub-jabar,Dishub Prov. Jawa Barat,2024-03-05,2024-03-15,,,,
8,djka,Ditjen KA,2024-03-04,2024-03-08,,,,
9,hubdat,Ditjen Hubdat,2024-03-05,2024-04-07,,,,
"""
COORDINATOR = "jasa-raharja"
MEMBERS = (
    OrganizerInput(code="bumn-contoh-1", name="BUMN Contoh 1", coordinator=COORDINATOR),
    OrganizerInput(code="bumn-contoh-2", name="BUMN Contoh 2", coordinator=COORDINATOR),
)
POLICIES = {"dishub-dki": PolicyInput(verify_within_days=3)}


def _terminal(code: str, name: str, city: str, region: str, kind: PlaceKind = PlaceKind.TERMINAL) -> TerminalInput:
    return TerminalInput(code=code, name=name, city=city, kind=kind, region_code=region)


TERMINALS = (
    _terminal("pulo-gebang", "Terminal Pulo Gebang", "Kota Jakarta Timur", "3175"),
    _terminal("kampung-rambutan", "Terminal Kampung Rambutan", "Kota Jakarta Timur", "3175"),
    _terminal("pondok-cabe", "Terminal Pondok Cabe", "Kota Tangerang Selatan", "3674"),
    _terminal("jatijajar", "Terminal Jatijajar", "Kota Depok", "3276"),
    _terminal("poris-plawad", "Terminal Poris Plawad", "Kota Tangerang", "3671"),
    _terminal("monas", "Monas", "Kota Jakarta Pusat", "3171", PlaceKind.MEETING_POINT),
    _terminal("pasar-senen", "Stasiun Pasar Senen", "Kota Jakarta Pusat", "3171", PlaceKind.STATION),
    _terminal("tanjung-priok", "Pelabuhan Tanjung Priok", "Kota Jakarta Utara", "3172", PlaceKind.PORT),
    _terminal("tirtonadi", "Terminal Tirtonadi", "Kota Surakarta", "3372"),
    _terminal("giwangan", "Terminal Giwangan", "Kota Yogyakarta", "3471"),
    _terminal("mangkang", "Terminal Mangkang", "Kota Semarang", "3374"),
    _terminal("bulupitu", "Terminal Bulupitu", "Kab. Banyumas", "3302"),
    _terminal("purboyo", "Terminal Purboyo", "Kota Madiun", "3577"),
    _terminal("purabaya", "Terminal Purabaya", "Kab. Sidoarjo", "3515"),
    _terminal("harjamukti", "Terminal Harjamukti", "Kota Cirebon", "3274"),
    _terminal("giri-adipura", "Terminal Giri Adipura", "Kab. Wonogiri", "3312"),
    _terminal("rajabasa", "Terminal Rajabasa", "Kota Bandar Lampung", "1871"),
    _terminal("alang-alang-lebar", "Terminal Alang-Alang Lebar", "Kota Palembang", "1671"),
    _terminal("lempuyangan", "Stasiun Lempuyangan", "Kota Yogyakarta", "3471", PlaceKind.STATION),
    _terminal("solo-jebres", "Stasiun Solo Jebres", "Kota Surakarta", "3372", PlaceKind.STATION),
    _terminal("semarang-tawang", "Stasiun Semarang Tawang", "Kota Semarang", "3374", PlaceKind.STATION),
    _terminal("tanjung-emas", "Pelabuhan Tanjung Emas", "Kota Semarang", "3374", PlaceKind.PORT),
)


@dataclass(frozen=True, slots=True)
class Trip:
    organizer: str
    origin: str
    destination: str
    day: int
    """Of departure, counted from the day on which the demo is made."""
    quota: int | None
    booked: int
    """How many people ask for it."""
    back: int | None = None
    """Seats of the way back. None: there is none."""
    mode: Mode = Mode.BUS
    service: Service = Service.PASSENGER
    member: str | None = None
    daily: int = 0
    """Seats that are released at 08:00 on each of the next days."""
    steady: bool = False
    """Nobody cancels."""

    def names(self, places: dict[str, TerminalInput]) -> Iterator[tuple[Direction, str]]:
        home, away = (places[code].name.partition(" ")[2] or places[code].name for code in self.ends)
        freight = "Motor " if self.service == Service.MOTORCYCLE else ""
        yield Direction.MUDIK, f"{freight}{home} – {away}"
        if self.back is not None:
            yield Direction.BALIK, f"{freight}{away} – {home}"

    @property
    def source(self) -> str:
        """Whose registrants they are."""
        return self.member or self.organizer

    @property
    def ends(self) -> tuple[str, str]:
        return self.origin, self.destination


TRUCK = (Mode.TRUCK, Service.MOTORCYCLE)
TRAIN = (Mode.TRAIN, Service.MOTORCYCLE)

TRIPS = (
    Trip("hubdat", "pulo-gebang", "tirtonadi", 9, 225, 190, 135),
    Trip("hubdat", "pulo-gebang", "giwangan", 9, 180, 150, 90),
    Trip("hubdat", "kampung-rambutan", "mangkang", 10, 180, 155, 90),
    Trip("hubdat", "kampung-rambutan", "bulupitu", 10, 90, 60),
    Trip("hubdat", "pulo-gebang", "purabaya", 9, 135, 90),
    Trip("hubdat", "kampung-rambutan", "harjamukti", 11, 90, 60),
    Trip("hubdat", "kampung-rambutan", "rajabasa", 11, 90, 45),
    Trip("hubdat", "kampung-rambutan", "alang-alang-lebar", 10, 45, 22),
    Trip("hubdat", "kampung-rambutan", "tirtonadi", 7, 60, 40, None, *TRUCK),
    Trip("hubdat", "kampung-rambutan", "mangkang", 7, 60, 32, None, *TRUCK),
    Trip("djka", "pasar-senen", "lempuyangan", 8, 120, 95, None, *TRAIN),
    Trip("djka", "pasar-senen", "solo-jebres", 8, 100, 75, None, *TRAIN),
    Trip("djka", "pasar-senen", "semarang-tawang", 8, 100, 65, None, *TRAIN),
    Trip("ahm", "pulo-gebang", "mangkang", 8, 200, 150, 80),
    Trip("ahm", "pulo-gebang", "tirtonadi", 8, None, 130),
    Trip("ahm", "pulo-gebang", "giwangan", 8, 150, 95, 60),
    Trip("jasa-raharja", "monas", "harjamukti", -2, 90, 80, steady=True),
    Trip("jasa-raharja", "monas", "tirtonadi", 10, 180, 125),
    Trip("jasa-raharja", "tanjung-priok", "tanjung-emas", 9, 150, 75, None, Mode.SHIP),
    Trip("jasa-raharja", "monas", "giwangan", 10, 90, 52, member="bumn-contoh-1"),
    Trip("jasa-raharja", "monas", "purabaya", 10, 90, 44, member="bumn-contoh-2"),
    Trip("banhub-jateng", "pulo-gebang", "bulupitu", 9, 90, 62),
    Trip("banhub-jateng", "pulo-gebang", "giri-adipura", 9, 90, 98, steady=True),
    Trip("banhub-jateng", "pulo-gebang", "mangkang", 9, 135, 105),
    Trip("dishub-kota-tangerang", "poris-plawad", "tirtonadi", 9, 90, 72),
    Trip("dishub-kota-tangerang", "poris-plawad", "giwangan", 9, 90, 55),
    Trip("dishub-kota-tangerang", "poris-plawad", "purboyo", 9, 45, 43, steady=True),
    Trip("dishub-tangsel", "pondok-cabe", "giwangan", 10, 90, 58),
    Trip("dishub-tangsel", "pondok-cabe", "tirtonadi", 10, 90, 50),
    Trip("dishub-tangsel", "pondok-cabe", "bulupitu", 10, 45, 26),
    Trip("dishub-dki", "monas", "tirtonadi", 11, 225, 160, 90),
    Trip("dishub-dki", "monas", "mangkang", 11, 40, 38, daily=20),
    Trip("dishub-dki", "monas", "purabaya", 11, 135, 95),
    Trip("dishub-jabar", "jatijajar", "harjamukti", 9, 90, 55),
    Trip("dishub-jabar", "jatijajar", "tirtonadi", 9, 90, 65),
    Trip("dishub-jabar", "jatijajar", "bulupitu", 9, 90, 45),
)
