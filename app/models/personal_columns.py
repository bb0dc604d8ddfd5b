"""The personal columns of each table. Written by `pemudik schema personal`; do not edit."""

PERSONAL_COLUMNS: dict[str, list[str]] = {
    "case_claim": [
        "name_sealed",
        "nik_index",
    ],
    "change": [
        "reason",
        "salt",
    ],
    "duplicate_case": [
        "reason",
    ],
    "early_end": [
        "nik_index",
        "reference",
    ],
    "import_chunk": [
        "differences",
        "named",
        "refused",
    ],
    "import_erased": [
        "digest",
    ],
    "import_file": [
        "sealed",
    ],
    "keyed_request": [
        "answer_sealed",
    ],
    "nik_access": [
        "area",
        "nik_index",
        "salt",
    ],
    "nik_block": [
        "lift_reason",
        "nik_index",
        "reason",
    ],
    "people_read": [
        "purpose",
        "salt",
        "unfound",
    ],
    "registrant": [
        "booked_by_index",
        "booked_by_name_sealed",
        "booked_by_nik_sealed",
        "name_sealed",
        "nik_index",
        "nik_sealed",
        "plate",
        "posko",
        "reference",
        "registration_number",
    ],
    "staff": [
        "email",
    ],
}
