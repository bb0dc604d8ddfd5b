"""Files: tables of text and workbooks that are large, wide or wound up, and the forms that carry them."""

from __future__ import annotations

from functools import cache

from tests.hostile.sending import Hostile, Sent, always, got, operation, posted
from tests.intake.sheets import MAIN, csv_of, header_row, inline, package, person, sheet, table, xlsx

IMPORT = "/import"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOUNDARY = "grens"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
HEADER = csv_of([list(person())])


def part(name: str, content: str, *, filename: str | None = None, more: str = "") -> str:
    file = "" if filename is None else f'; filename="{filename}"'
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{more}\r\n{content}\r\n'


def form(*parts: str) -> bytes:
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


def rows(count: int) -> bytes:
    return csv_of(table(*(person(number) for number in range(count)))).encode()


@cache
def workbook(count: int) -> bytes:
    return xlsx(table(*(person(number) for number in range(count))))


@cache
def wide(count: int) -> bytes:
    row = '<row r="1">' + "".join(f'<c t="inlineStr"><is><t>k{i}</t></is></c>' for i in range(count)) + "</row>"
    return package(sheet=sheet(row))


@cache
def empty_rows(count: int) -> bytes:
    return package(sheet=sheet(header_row() + "".join(f'<row r="{row}"/>' for row in range(2, count))))


@cache
def shared(count: int) -> bytes:
    items = "<si><t>x</t></si>" * count
    return package(sheet=sheet(header_row()), strings=f'<sst xmlns="{MAIN}">{items}</sst>')


@cache
def long_cell(count: int) -> bytes:
    return package(sheet=sheet(header_row() + f'<row r="2">{inline("A2", "x" * count)}</row>'))


@cache
def parts(count: int) -> bytes:
    return package(**{f"xl/media/{number}.bin": b"x" for number in range(count)})


def with_file(content: str, **more: str) -> bytes:
    return form(part("file", content, filename="daftar.csv", **more))


def multipart(body: bytes) -> Sent:
    return posted(IMPORT, body, MULTIPART)


def over_graphql(fields: str, places: str, content: str = HEADER) -> Sent:
    body = form(part("operations", fields), part("map", places), part("0", content, filename="daftar.csv"))
    return posted("/graphql", body, MULTIPART, graphql_preflight="1")


UPLOAD = "mutation($file: Upload!) { importRegistrants(file: $file) { id } }"


def operations(**more: object) -> str:
    return operation(UPLOAD, {"file": None, **more}).decode()


FILES = (
    Hostile("a csv: many rows", lambda n: posted(IMPORT, rows(n), CSV), 250, always("202 DONE")),
    Hostile(
        "a csv: many columns",
        lambda n: posted(IMPORT, csv_of([[f"k{i}" for i in range(n)]] * 2).encode(), CSV),
        500,
        always("202 HEADER_NOT_FOUND"),
    ),
    Hostile(
        "a csv: a long cell",
        lambda n: posted(IMPORT, HEADER.encode() + b"x" * n, CSV),
        20_000,
        ("202 DONE", "202 FILE_TOO_COMPLEX", "202 FILE_TOO_COMPLEX"),
    ),
    Hostile(
        "a csv: a quote that is not closed",
        lambda n: posted(IMPORT, HEADER.encode() + b'"' + b"x;\n" * n, CSV),
        20_000,
        always("202 FILE_TOO_COMPLEX"),
    ),
    Hostile(
        "a csv: quotes",
        lambda n: posted(IMPORT, HEADER.encode() + b'"' * n, CSV),
        50_000,
        ("202 DONE", "202 FILE_TOO_COMPLEX", "202 FILE_TOO_COMPLEX"),
    ),
    Hostile(
        "a csv: empty lines", lambda n: posted(IMPORT, HEADER.encode() + b"\r\n" * n, CSV), 50_000, always("202 DONE")
    ),
    Hostile("a csv: separators", lambda n: posted(IMPORT, HEADER.encode() + b";" * n, CSV), 50_000, always("202 DONE")),
    Hostile(
        "a csv: bytes of nothing",
        lambda n: posted(IMPORT, b"\x00" * n, CSV),
        200_000,
        always("202 FILE_NOT_A_SPREADSHEET"),
    ),
    Hostile("a csv: no header", lambda n: posted(IMPORT, b"a;b\n" * n, CSV), 10_000, always("202 HEADER_NOT_FOUND")),
    Hostile(
        "a csv: the header again and again", lambda n: posted(IMPORT, HEADER.encode() * n, CSV), 50, always("202 DONE")
    ),
    Hostile("a workbook: many rows", lambda n: posted(IMPORT, workbook(n), XLSX), 100, always("202 DONE")),
    Hostile("a workbook: many columns", lambda n: posted(IMPORT, wide(n), XLSX), 1_000, always("202 HEADER_NOT_FOUND")),
    Hostile("a workbook: empty rows", lambda n: posted(IMPORT, empty_rows(n), XLSX), 50_000, always("202 DONE")),
    Hostile("a workbook: shared texts", lambda n: posted(IMPORT, shared(n), XLSX), 50_000, always("202 DONE")),
    Hostile(
        "a workbook: a long cell", lambda n: posted(IMPORT, long_cell(n), XLSX), 50_000, always("202 FILE_TOO_COMPLEX")
    ),
    Hostile(
        "a workbook: many parts",
        lambda n: posted(IMPORT, parts(n), XLSX),
        200,
        ("202 DONE", "202 DONE", "202 FILE_TOO_COMPLEX"),
    ),
    Hostile(
        "a workbook: nothing of one",
        lambda n: posted(IMPORT, b"PK\x03\x04" * n, XLSX),
        50_000,
        always("202 FILE_DAMAGED"),
    ),
)

FORMS = (
    Hostile(
        "a form: many parts",
        lambda n: multipart(form(*[part(f"x{i}", "x") for i in range(n)])),
        100,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form: many files",
        lambda n: multipart(form(*[part("file", "x", filename="a.csv") for _ in range(n)])),
        100,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form: headers of a part",
        lambda n: multipart(with_file("x", more="".join(f"X-{i}: x\r\n" for i in range(n)))),
        100,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form: a long header of a part",
        lambda n: multipart(with_file("x", more=f"X: {'x' * n}\r\n")),
        5_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form: a long name of a file",
        lambda n: multipart(form(part("file", HEADER, filename="x" * n + ".csv"))),
        5_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form: what stands before it",
        lambda n: multipart(b"x" * n + with_file(HEADER)),
        100_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form: line ends before it", lambda n: multipart(b"\r\n" * n + with_file(HEADER)), 50_000, always("202 DONE")
    ),
    Hostile(
        "a form: boundaries that are none",
        lambda n: multipart(with_file(f"\r\n--{BOUNDARY}x" * n)),
        10_000,
        always("202 HEADER_NOT_FOUND"),
    ),
    Hostile("a form: dashes", lambda n: multipart(with_file("\r\n-" * n)), 50_000, always("202 HEADER_NOT_FOUND")),
    Hostile(
        "a form: a long boundary",
        lambda n: posted(IMPORT, b"x", f"multipart/form-data; boundary={'x' * n}"),
        1_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form: that does not end",
        lambda n: multipart(part("file", "x" * n, filename="a.csv").encode()),
        100_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form of GraphQL: many places",
        lambda n: over_graphql(operations(), '{"0":[' + ",".join(['"variables.file"'] * n) + "]}"),
        10,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form of GraphQL: a long place",
        lambda n: over_graphql(operations(), '{"0":["variables' + ".x" * n + '"]}'),
        5_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form of GraphQL: files that are not there",
        lambda n: over_graphql(operations(), "{" + ",".join(f'"{i}":["variables.file"]' for i in range(n)) + "}"),
        1_000,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form of GraphQL: a nested map",
        lambda n: over_graphql(operations(), '{"0":' + "[" * n + "]" * n + "}"),
        200,
        always("400 BAD_REQUEST"),
    ),
    Hostile(
        "a form of GraphQL: many variables",
        lambda n: over_graphql(operations(x=[1] * n), '{"0":["variables.file"]}'),
        12_000,
        always("200 DONE"),
    ),
)

ORDERS = (
    Hostile(
        "an import: whom it covers",
        lambda n: posted(f"{IMPORT}?covers={','.join(['x'] * n)}", HEADER.encode(), CSV),
        200,
        always("422 INVALID_VALUE"),
    ),
    Hostile(
        "an import: whom it covers, in parts",
        lambda n: posted(f"{IMPORT}?{'&'.join(['covers=x'] * n)}", HEADER.encode(), CSV),
        100,
        always("422 INVALID_VALUE"),
    ),
    Hostile(
        "an import: a long day",
        lambda n: posted(f"{IMPORT}?day={'2' * n}", HEADER.encode(), CSV),
        500,
        always("400 BAD_REQUEST"),
    ),
    Hostile("an import: a long id", lambda n: got(f"{IMPORT}/{'0' * n}"), 500, always("404 NOT_FOUND")),
    Hostile(
        "an import: a long format of its result",
        lambda n: got(f"{IMPORT}/{'0' * 32}/result.{'x' * n}"),
        500,
        always("404 NOT_FOUND"),
    ),
    Hostile(
        "an import: nobody missing",
        lambda n: posted(f"{IMPORT}/{'0' * n}/cancel-missing", b"x" * n),
        500,
        always("404 NOT_FOUND"),
    ),
)
