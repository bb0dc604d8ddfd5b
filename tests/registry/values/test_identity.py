"""KTP, SIM, KK or KIA is required where the door carries it."""

import pytest

from app.registry.values import texts


@pytest.mark.parametrize("document", ["KTP", "SIM", "KK", "KIA"])
@pytest.mark.parametrize("required", [True, False])
def test_four_documents_are_accepted(document: str, required: bool) -> None:
    assert texts.judge_document(document, required=required) is None


@pytest.mark.parametrize("document", ["ktp", "PASPOR", "", "KTP "])
@pytest.mark.parametrize("required", [True, False])
def test_others_are_refused(document: str, required: bool) -> None:
    refused = texts.judge_document(document, required=required)
    assert refused is not None
    assert (refused.code, refused.field) == ("INVALID_VALUE", "identityDocument")
    assert refused.message("id") == "Dokumen identitas wajib: KTP, SIM, KK atau KIA."
    assert refused.message("en") == "An identity document is required: KTP, SIM, KK or KIA."


def test_none_is_refused_only_where_it_is_required() -> None:
    assert texts.judge_document(None, required=True) is not None
    assert texts.judge_document(None, required=False) is None
