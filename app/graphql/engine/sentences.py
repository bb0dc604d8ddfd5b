"""What is wrong with a document, in Indonesian: graphql-core words its errors in English alone.

A message that is not known here is quoted, in a sentence that is whole without it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphql import SourceLocation

_NAME = r"'([^']+)'"
_OF_DOCUMENTS = (
    (rf"Cannot query field {_NAME} on type {_NAME}", "tipe `{1}` tidak mempunyai bidang `{0}`"),
    (rf"Unknown argument {_NAME} on (?:field|directive) {_NAME}", "bidang `{1}` tidak mempunyai argumen `{0}`"),
    (
        rf"Field {_NAME} of type {_NAME} must have (?:a selection of subfields|at least one field selected)",
        "bidang `{0}` bertipe `{1}`, jadi sebutkan bidang di dalamnya: `{0} {{ … }}`",
    ),
    (
        rf"Field {_NAME} must not have a selection since type {_NAME}",
        "bidang `{0}` bertipe `{1}` dan tidak mempunyai bidang di dalamnya; hapus `{{ … }}`",
    ),
    (rf"Argument {_NAME} of type {_NAME} is required", "argumen `{0}` bertipe `{1}` wajib diisi"),
    (rf"Unknown type {_NAME}", "tipe `{0}` tidak ada"),
    (rf"Variable {_NAME} is not defined by operation {_NAME}", "variabel `{0}` tidak dinyatakan pada operasi `{1}`"),
    (rf"Variable {_NAME} is not defined", "variabel `{0}` tidak dinyatakan"),
    (
        rf"Variable {_NAME} is never used in operation {_NAME}",
        "variabel `{0}` tidak dipakai pada operasi `{1}`; hapus, atau pakai",
    ),
    (rf"Variable {_NAME} is never used", "variabel `{0}` tidak dipakai; hapus, atau pakai"),
    (
        rf"Variable {_NAME} of type {_NAME} used in position expecting type {_NAME}",
        "variabel `{0}` bertipe `{1}`, padahal diperlukan `{2}`",
    ),
    (
        rf"Variable {_NAME} cannot be non-input type {_NAME}",
        "variabel `{0}` tidak boleh bertipe `{1}`: itu bukan tipe masukan",
    ),
    (rf"Unknown fragment {_NAME}", "fragmen `{0}` tidak ada dalam dokumen"),
    (rf"Fragment {_NAME} is never used", "fragmen `{0}` tidak dipakai; hapus, atau pakai"),
    (rf"Cannot spread fragment {_NAME} within itself", "fragmen `{0}` memuat dirinya sendiri"),
    (
        rf"Fragment (?:{_NAME} )?cannot be spread here as objects of type {_NAME} can never be of type {_NAME}",
        "fragmen untuk tipe `{2}` tidak pernah cocok dengan tipe `{1}`",
    ),
    (
        r"This anonymous operation must be the only",
        "operasi tanpa nama harus sendirian dalam dokumen; beri setiap operasi nama",
    ),
    (rf"There can be only one operation named {_NAME}", "nama operasi `{0}` dipakai lebih dari sekali"),
    (rf"There can be only one fragment named {_NAME}", "nama fragmen `{0}` dipakai lebih dari sekali"),
    (rf"There can be only one argument named {_NAME}", "argumen `{0}` ada lebih dari sekali"),
    (rf"There can be only one variable named {_NAME}", "variabel `{0}` dinyatakan lebih dari sekali"),
    (rf"There can be only one input field named {_NAME}", "bidang masukan `{0}` ada lebih dari sekali"),
    (rf"Unknown directive {_NAME}", "direktif `{0}` tidak ada"),
    (rf"Directive {_NAME} may not be used on", "direktif `{0}` tidak dapat dipakai di tempat itu"),
    (rf"The directive {_NAME} can only be used once", "direktif `{0}` dipakai lebih dari sekali di satu tempat"),
    (
        rf"Fields {_NAME} conflict because",
        "bidang `{0}` diminta dua kali dengan isi yang berbeda; beri masing-masing alias",
    ),
    (
        r"(?:Anonymous )?Subscription.* must (?:not )?(?:select|use)",
        "langganan memuat tepat satu bidang akar",
    ),
    (rf"The {_NAME} definition is not executable", "definisi `{0}` bukan operasi dan bukan fragmen"),
)
_OF_SYNTAX = (
    (r"Expected (.+), found (.+)", "seharusnya {0}, tetapi yang ada {1}"),
    (r"Expected (.+)", "seharusnya {0}"),
    (r"Unexpected variable", "nilai bawaan tidak boleh memuat variabel"),
    (r"Unexpected single quote character", "teks ditulis dalam tanda kutip ganda"),
    (r"Unexpected character", "ada karakter yang tidak dikenal"),
    (r"Unexpected (.+)", "{0} tidak diharapkan di sini"),
    (r"Unterminated string", "teks tidak ditutup dengan tanda kutip"),
    (r"Invalid number", "bilangan tidak sah"),
)
_TOKENS = {
    "<EOF>": "akhir dokumen",
    "Name": "nama",
    "Int": "bilangan",
    "Float": "bilangan",
    "String": "teks",
    "BlockString": "teks",
}


def of_validation(message: str) -> str:
    """What graphql-core says of a document that does not fit the schema."""
    found = _found(_OF_DOCUMENTS, message)
    if found is None:
        return f"pemeriksaan melaporkan “{message.rstrip('.')}”"
    match, sentence = found
    return sentence.format(*match.groups())


def of_syntax(message: str, locations: Sequence[SourceLocation] | None) -> str:
    """What graphql-core says of a document that is no GraphQL; `message` repeats no value of it."""
    said = message.removeprefix("Syntax Error").lstrip(": ")
    found = _found(_OF_SYNTAX, said)
    if found is None:
        told = f"pengurai melaporkan “{said}”" if said else "tulisannya bukan GraphQL"
    else:
        told = found[1].format(*map(_token, found[0].groups()))
    place = f" (baris {locations[0].line}, kolom {locations[0].column})" if locations else ""
    return told + place


def _found(sentences: Sequence[tuple[str, str]], message: str) -> tuple[re.Match[str], str] | None:
    for pattern, sentence in sentences:
        match = re.match(pattern, message)
        if match is not None:
            return match, sentence
    return None


def _token(written: str) -> str:
    """A kind of token in Indonesian, or a sign as it stands in the document."""
    return _TOKENS.get(written) or f"`{written.strip(chr(39))}`"
