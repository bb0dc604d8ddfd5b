from __future__ import annotations

import json
from pathlib import Path

from joserfc.jwk import ECKey

from tests.cli.conftest import Pemudik


def test_a_client_is_issued_rotated_and_revoked(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))
    issued = pemudik("client", "issue", "dishub-dki", "--scope", "nik:check", "--scope", "registrants:read")
    (first, client_id), (second, secret) = [line.split() for line in issued.stdout.splitlines()]
    assert (first, second) == ("client_id", "client_secret")
    assert client_id.startswith("dishub-dki-")
    assert issued.stderr == "The secret is not kept here and cannot be shown again.\n"

    rotated = json.loads(pemudik("client", "rotate", client_id, "--json").output)
    assert rotated["client"]["id"] == client_id
    assert rotated["secret"] not in {secret, None}

    assert pemudik("client", "revoke", client_id).output == f"{client_id} is revoked.\n"
    assert json.loads(pemudik("client", "revoke", client_id, "--json").output)["revoked_at"] is not None
    assert "revoked" in pemudik("client", "rotate", client_id, code=1).stderr

    (listed,) = json.loads(pemudik("client", "list", "--json").output)
    assert (listed["id"], listed["scopes"]) == (client_id, ["nik:check", "registrants:read"])
    _, line = pemudik("client", "list").output.splitlines()
    assert line.split()[:3] == [client_id, "dishub-dki", "nik:check,registrants:read"]


def test_a_client_with_keys_of_its_own_has_no_secret(pemudik: Pemudik, table: Path, tmp_path: Path) -> None:
    pemudik("season", "load", str(table))
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**ECKey.generate_key("P-256").as_dict(private=False), "kid": "a"}]}))
    issued = pemudik("client", "issue", "hubdat", "--scope", "hubdat:admin", "--public-keys", str(file))
    assert [line.split()[0] for line in issued.output.splitlines()] == ["client_id"]


def test_keys_of_a_client_are_added_listed_and_withdrawn(pemudik: Pemudik, table: Path, tmp_path: Path) -> None:
    pemudik("season", "load", str(table))
    files = []
    for kid in ("old", "new"):
        files.append(tmp_path / f"{kid}.json")
        public = {**ECKey.generate_key("P-256").as_dict(private=False), "kid": kid}
        files[-1].write_text(json.dumps({"keys": [public]}))
    issued = pemudik("client", "issue", "hubdat", "--scope", "hubdat:admin", "--public-keys", str(files[0]), "--json")
    client_id = json.loads(issued.output)["client"]["id"]
    added = pemudik("client", "keys", "add", client_id, str(files[1])).output
    assert [line.split()[:2] for line in added.splitlines()] == [["kid", "kty"], ["old", "EC"], ["new", "EC"]]
    pemudik("client", "keys", "withdraw", client_id, "old")
    [left] = json.loads(pemudik("client", "keys", "list", client_id, "--json").output)["keys"]
    assert (left["kid"], left["use"]) == ("new", "sig")
    assert "(INVALID_VALUE)" in pemudik("client", "keys", "withdraw", client_id, "new", code=1).stderr
    assert "(NOT_FOUND)" in pemudik("client", "keys", "list", "nobody", code=1).stderr


def test_a_refusal_is_one_line(pemudik: Pemudik) -> None:
    result = pemudik("client", "issue", "nobody", "--scope", "nik:check", code=1)
    assert result.stdout == ""
    assert result.stderr.startswith("pemudik: ")
    assert result.stderr.endswith("(NOT_FOUND)\n")
    assert result.stderr.count("\n") == 1


def test_a_scope_has_to_be_named(pemudik: Pemudik) -> None:
    assert "--scope" in pemudik("client", "issue", "hubdat", code=2).stderr


def test_a_client_signs_its_webhooks(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))
    issued = json.loads(pemudik("client", "issue", "hubdat", "--scope", "registrants:write", "--json").output)
    client_id = issued["client"]["id"]
    first = pemudik("client", "webhook-secret", client_id)
    name, secret = first.stdout.split()
    assert (name, secret[:6]) == ("webhook_secret", "whsec_")
    assert first.stderr == "It is sealed here and cannot be shown again.\n"
    second = json.loads(pemudik("client", "webhook-secret", client_id, "--json").output)
    assert second["client"]["id"] == client_id
    assert second["secret"] != secret

    dropped = pemudik("client", "webhook-secret", client_id, "--drop").output
    assert dropped == f"{client_id} need not sign its webhooks any more.\n"
    assert json.loads(pemudik("client", "webhook-secret", client_id, "--drop", "--json").output)["id"] == client_id
    assert "(NOT_FOUND)" in pemudik("client", "webhook-secret", "nobody", code=1).stderr
