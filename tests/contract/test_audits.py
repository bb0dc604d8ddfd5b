"""GraphQL over HTTP, as graphql-http audits it."""

from __future__ import annotations

from tests.contract.conftest import Node, Registry

# All three are MAY. A query in a URL would be logged by whatever stands in between, and with it a NIK.
NO_GET = {"5A70", "D6D5", "6A70"}


def test_every_must_and_every_should_is_kept(node: Node, registry: Registry) -> None:
    audits = node.answer("audit.mjs", registry.api, AUTHORIZATION=registry.bearer("hubdat"))
    assert len(audits) == 61
    others = {audit["id"]: (audit["name"], audit["status"], audit.get("reason")) for audit in audits}
    refused = {id_: others.pop(id_) for id_ in NO_GET}
    assert {status for _, status, _ in others.values()} == {"ok"}, others
    for name, status, reason in refused.values():
        assert name.startswith("MAY ")
        assert "GET" in name
        assert (status, reason) == ("notice", "Response status code is not 200")
