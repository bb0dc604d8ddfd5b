"""What is wrong with a document is said in whole Indonesian sentences, of what clients really meet."""

from __future__ import annotations

import pytest
from graphql import GraphQLSyntaxError, parse, specified_rules, validate

from app.graphql.engine import sentences
from app.graphql.internals import syntax_message_without_values
from app.graphql.schema import EXECUTABLE

DOCUMENTS = {
    "{ x }": "tipe `Query` tidak mempunyai bidang `x`",
    "{ routes(asal: 1) { nodes { id } } }": "bidang `Query.routes` tidak mempunyai argumen `asal`",
    "{ routes }": "bidang `routes` bertipe `RouteConnection`, jadi sebutkan bidang di dalamnya: `routes { … }`",
    "{ me { id { x } } }": "bidang `id` bertipe `ID!` dan tidak mempunyai bidang di dalamnya; hapus `{ … }`",
    "{ route { id } }": "argumen `Query.route(id:)` bertipe `ID!` wajib diisi",
    "query ($a: Foo) { route(id: $a) { id } }": "tipe `Foo` tidak ada",
    "{ route(id: $a) { id } }": "variabel `$a` tidak dinyatakan",
    "query Q { route(id: $a) { id } }": "variabel `$a` tidak dinyatakan pada operasi `Q`",
    "query ($a: ID) { me { id } }": "variabel `$a` tidak dipakai; hapus, atau pakai",
    "query Q($a: ID) { me { id } }": "variabel `$a` tidak dipakai pada operasi `Q`; hapus, atau pakai",
    "query ($a: Int!) { route(id: $a) { id } }": "variabel `$a` bertipe `Int!`, padahal diperlukan `ID!`",
    "query ($a: Route) { me { id } }": "variabel `$a` tidak boleh bertipe `Route`: itu bukan tipe masukan",
    "{ me { ...A } }": "fragmen `A` tidak ada dalam dokumen",
    "{ me { id } } fragment A on Organizer { name }": "fragmen `A` tidak dipakai; hapus, atau pakai",
    "{ me { ...A } } fragment A on Client { ...A }": "fragmen `A` memuat dirinya sendiri",
    "{ me { ... on Route { id } } }": "fragmen untuk tipe `Route` tidak pernah cocok dengan tipe `Client`",
    "{ me { id } } { me { id } }": "operasi tanpa nama harus sendirian dalam dokumen; beri setiap operasi nama",
    "query A { me { id } } query A { me { id } }": "nama operasi `A` dipakai lebih dari sekali",
    '{ route(id: "1", id: "2") { id } }': "argumen `id` ada lebih dari sekali",
    "query ($a: ID!, $a: ID!) { route(id: $a) { id } }": "variabel `$a` dinyatakan lebih dari sekali",
    "{ me @x { id } }": "direktif `@x` tidak ada",
    "{ me @skip { id } }": "argumen `@skip(if:)` bertipe `Boolean!` wajib diisi",
    "{ me { a: id a: scopes } }": "bidang `a` diminta dua kali dengan isi yang berbeda; beri masing-masing alias",
    "subscription { changes { kind } counts { __typename } }": "langganan memuat tepat satu bidang akar",
    "type X { id: ID }": "definisi `X` bukan operasi dan bukan fragmen",
}
UNREADABLE = {
    "": "akhir dokumen tidak diharapkan di sini (baris 1, kolom 1)",
    "{": "seharusnya nama, tetapi yang ada akhir dokumen (baris 1, kolom 2)",
    "{ a b: }": "seharusnya nama, tetapi yang ada `}` (baris 1, kolom 8)",
    "{ 3 }": "seharusnya nama, tetapi yang ada bilangan (baris 1, kolom 3)",
    "mutation": "seharusnya `{`, tetapi yang ada akhir dokumen (baris 1, kolom 9)",
    "{ a }\n}": "`}` tidak diharapkan di sini (baris 2, kolom 1)",
    '{ a(x: "abc) }': "teks tidak ditutup dengan tanda kutip (baris 1, kolom 15)",
    "{ a ? }": "ada karakter yang tidak dikenal (baris 1, kolom 5)",
    "{ a(x: 'abc') }": "teks ditulis dalam tanda kutip ganda (baris 1, kolom 8)",
    "query ($x: Int = $y) { a }": "nilai bawaan tidak boleh memuat variabel (baris 1, kolom 18)",
    "{ a(x: 01) }": "bilangan tidak sah (baris 1, kolom 9)",
    '{ a(x: "\\q") }': "pengurai melaporkan “Invalid character escape sequence” (baris 1, kolom 9)",
}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_that_does_not_fit_the_schema(document: str) -> None:
    errors = validate(EXECUTABLE, parse(document), specified_rules, hide_suggestions=True)
    assert DOCUMENTS[document] in [sentences.of_validation(error.message) for error in errors]


@pytest.mark.parametrize("document", UNREADABLE)
def test_a_document_that_cannot_be_read(document: str) -> None:
    with pytest.raises(GraphQLSyntaxError) as caught:
        parse(document)
    error = caught.value
    assert sentences.of_syntax(syntax_message_without_values(error.message), error.locations) == UNREADABLE[document]


def test_what_is_not_known_is_quoted() -> None:
    assert sentences.of_validation("Enums are odd.") == "pemeriksaan melaporkan “Enums are odd”"
