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

TERMINALS = (
    TerminalInput(code="pulo-gebang", name="Terminal Pulo Gebang", city="Kota Jakarta Timur", region_code="3175"),
    TerminalInput(
        code="kampung-rambutan", name="Terminal Kampung Rambutan", city="Kota Jakarta Timur", region_code="3175"
    ),
    TerminalInput(code="pondok-cabe", name="Terminal Pondok Cabe", city="Kota Tangerang Selatan", region_code="3674"),
    TerminalInput(code="jatijajar", name="Terminal Jatijajar", city="Kota Depok", region_code="3276"),
    TerminalInput(code="poris-plawad", name="Terminal Poris Plawad", city="Kota Tangerang", region_code="3671"),
    TerminalInput(
        code="monas", name="Monas", city="Kota Jakarta Pusat", kind=PlaceKind.MEETING_POINT, region_code="3171"
    ),
    TerminalInput(
        code="pasar-senen",
        name="Stasiun Pasar Senen",
        city="Kota Jakarta Pusat",
        kind=PlaceKind.STATION,
        region_code="3171",
    ),
    TerminalInput(
        code="tanjung-priok",
        name="Pelabuhan Tanjung Priok",
        city="Kota Jakarta Utara",
        kind=PlaceKind.PORT,
        region_code="3172",
    ),
    TerminalInput(code="tirtonadi", name="Terminal Tirtonadi", city="Kota Surakarta", region_code="3372"),
    TerminalInput(code="giwangan", name="Terminal Giwangan", city="Kota Yogyakarta", region_code="3471"),
    TerminalInput(code="mangkang", name="Terminal Mangkang", city="Kota Semarang", region_code="3374"),
    TerminalInput(code="bulupitu", name="Terminal Bulupitu", city="Kab. Banyumas", region_code="3302"),
    TerminalInput(code="purboyo", name="Terminal Purboyo", city="Kota Madiun", region_code="3577"),
    TerminalInput(code="purabaya", name="Terminal Purabaya", city="Kab. Sidoarjo", region_code="3515"),
    TerminalInput(code="harjamukti", name="Terminal Harjamukti", city="Kota Cirebon", region_code="3274"),
    TerminalInput(code="giri-adipura", name="Terminal Giri Adipura", city="Kab. Wonogiri", region_code="3312"),
    TerminalInput(code="rajabasa", name="Terminal Rajabasa", city="Kota Bandar Lampung", region_code="1871"),
    TerminalInput(
        code="alang-alang-lebar", name="Terminal Alang-Alang Lebar", city="Kota Palembang", region_code="1671"
    ),
    TerminalInput(
        code="lempuyangan",
        name="Stasiun Lempuyangan",
        city="Kota Yogyakarta",
        kind=PlaceKind.STATION,
        region_code="3471",
    ),
    TerminalInput(
        code="solo-jebres",
        name="Stasiun Solo Jebres",
        city="Kota Surakarta",
        kind=PlaceKind.STATION,
        region_code="3372",
    ),
    TerminalInput(
        code="semarang-tawang",
        name="Stasiun Semarang Tawang",
        city="Kota Semarang",
        kind=PlaceKind.STATION,
        region_code="3374",
    ),
    TerminalInput(
        code="tanjung-emas",
        name="Pelabuhan Tanjung Emas",
        city="Kota Semarang",
        kind=PlaceKind.PORT,
        region_code="3374",
    ),
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
    Trip("jasa-raharja", "monas", "harjamukti", -1, 90, 80, steady=True),
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
