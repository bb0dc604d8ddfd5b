"""What is asked of a server about known people, and how a database is broken under it."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.privacy.silence.house import Caller
from tests.privacy.silence.known import Known

SUBMIT = """mutation Submit($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
    ... on Problem { code message field } ... on Submission { registrant { id } warnings { message } } } }"""
CHECK = "query Check($nik: NIK!) { checkNik(nik: $nik) { outcome problem { message } } }"
FIND = "query Find($ref: RegistrantRef!) { registrant(ref: $ref) { id } }"


def person(one: Known, routes: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {"nik": one.nik, "name": one.name, "routeId": routes["home"], "identityDocument": "KTP"} | changes


def codes(answer: httpx.Response) -> list[str]:
    """Of the errors, or of the problems in the data."""
    content = answer.json()
    if "errors" in content:
        return [error["extensions"]["code"] for error in content["errors"]]
    return re.findall(r'"code":"(\w+)"', answer.text)


def operations(caller: Caller, one: Known, other: Known, key: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is asked about `one`, who is registered, and `other`, who is not."""
    ref = {"ref": {"nik": {"nik": one.nik}}}
    moved = "(ref: $ref) { __typename } }"
    on_ref = "mutation ($ref: RegistrantRef!) { "
    return {
        "submit": (SUBMIT, {"input": person(other, caller.house.routes)}),
        "replay": (SUBMIT, {"input": person(one, caller.house.routes)}),
        "check": (CHECK, {"nik": one.nik}),
        "checks": ("query ($niks: [NIK!]!) { checkNiks(niks: $niks) { nik } }", {"niks": [one.nik, other.nik]}),
        "find": ("query ($ref: RegistrantRef!) { registrant(ref: $ref) { nik name } }", ref),
        "page": ("{ registrants { nodes { nik name } } }", {}),
        "verify": (f"{on_ref}verifyRegistrant{moved}", ref),
        "cancel": (f'{on_ref}cancelRegistrant(ref: $ref, reason: "Uji") {{ __typename }} }}', ref),
        "hand over": (f"{on_ref}handOverMotorcycle{moved}", ref),
        "correct": (
            """mutation ($ref: RegistrantRef!, $to: Correction!) {
                correctRegistrant(ref: $ref, input: $to) { __typename } }""",
            {**ref, "to": {"reason": "Salah ketik", "nik": other.nik, "name": other.name}},
        ),
        "entities": (
            "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Registrant { nik name } } }",
            {"of": [{"__typename": "Registrant", "id": key}]},
        ),
    }


UNREADABLE = (
    """
    CREATE TABLE kept AS SELECT id, name_sealed FROM registrant;
    UPDATE registrant SET name_sealed = '\\x0102' WHERE erased_at IS NULL
    """,
    """
    UPDATE registrant r SET name_sealed = kept.name_sealed FROM kept WHERE kept.id = r.id;
    DROP TABLE kept
    """,
)
RAISING = (
    """
    CREATE FUNCTION raises() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'row %', NEW; END $$;
    CREATE TRIGGER raises BEFORE INSERT OR UPDATE ON registrant FOR EACH ROW EXECUTE FUNCTION raises()
    """,
    "DROP FUNCTION raises() CASCADE",
)
IMPOSSIBLE = (
    "ALTER TABLE registrant ADD CONSTRAINT impossible CHECK (status = 'DEPARTED') NOT VALID",
    "ALTER TABLE registrant DROP CONSTRAINT impossible",
)


def renamed(table: str, column: str | None = None) -> tuple[str, str]:
    if column is None:
        return f"ALTER TABLE {table} RENAME TO gone", f"ALTER TABLE gone RENAME TO {table}"
    renaming = f"ALTER TABLE {table} RENAME COLUMN"
    return f"{renaming} {column} TO gone", f"{renaming} gone TO {column}"
