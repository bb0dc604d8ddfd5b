"""The house rules that no type checker knows. A rule without a check decays."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from graphql import GraphQLObjectType
from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, LargeBinary, Table, Uuid
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

import app.models.tables  # noqa: F401 - fills the metadata
from app.config import CHECKOUT
from app.graphql import permissions, schema
from app.models.personal_columns import PERSONAL_COLUMNS
from app.models.tables.change import TransactionId
from app.models.tables.columns import marked
from tests import order
from tests.test_statements import statements

APP = CHECKOUT / "app"
FILES = sorted(APP.rglob("*.py"))
LONGEST = 400
MOST_LINES_OF_A_FUNCTION = 20
MOST_MODULES = 16
TESTS = sorted((CHECKOUT / "tests").rglob("*.py"))
PRIVATE = re.compile(r"(?:.*\.)?_[A-Za-z]\w*")
PUBLIC_DESPITE_OF_IT = {"_replace", "_asdict"}
"""Of named tuples."""
NAMED_NOWHERE_ELSE = {"_type", "_original_name", "_labelnames", "_documentation"}
"""What prometheus_client tells by no public name."""
WRITES_STATUS = re.compile(r"UPDATE\s+registrant\b(?:(?!WHERE|FROM).)*\bstatus\s*=", re.DOTALL)
INSERTS = re.compile(r"INSERT\s+INTO\s+registrant\b")
OPENED_BY = {
    "open_personal": ["registry/registrants/opening.py"],
    "open_secret": ["changes/webhooks/sender.py", "registry/clients/webhook_secrets.py"],
    "open_bytes": [
        "registry/clients/idempotency.py",
        "registry/imports/job_runs.py",
        "registry/imports/jobs.py",
        "vault/vault.py",
    ],
}
"""The methods of the vault that open something, and the only files that name them."""

TOLD_BY = {"NikBlocked": ["registry/niks/telling.py"], "NikAlreadyRegistered": ["registry/niks/telling.py"]}
"""Refusals that tell what stands against a NIK, and the only files that make them."""
ASKS_FOR_ITS_WORDS = ["registry/niks/sentences.py"]
"""Who has `telling.refusal` make one, beside `telling` itself: the sentence of a check that was counted."""

GIVE_TEXT_TO_THE_DRIVER = [
    "changes/log/wake.py",  # NOTIFY, and whether the other end is there
    "db.py",  # runs all statements; BEGIN, COMMIT and ROLLBACK
    "operating/pooler.py",  # what a connection is like
    "operating/runner.py",  # a lock that a connection holds
    "testmode/control.py",  # makes databases; the list of test registries is one of its own
    "testmode/making.py",  # copies whole tables between two databases
]
"""The only files whose SQL is no `Statement` of `app.sql`, which `tests/test_statements.py` prepares."""
METHODS_OF_THE_DRIVER = {"fetch", "fetchrow", "fetchval", "fetchmany", "execute", "executemany"}

REGISTRANT_ID = SQLModel.metadata.tables["registrant"].c.id


def named(files: list[Path]) -> list[str]:
    return [str(file.relative_to(APP)) for file in files]


@cache
def tree(file: Path) -> ast.Module:
    """To parse the house takes a second, and many rules look at all of it."""
    return ast.parse(file.read_text())


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(file)))


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """The trees of all files are a million objects: whatever runs after these tests would pay for them."""
    yield
    tree.cache_clear()
    nodes.cache_clear()


def calls(file: Path) -> Iterator[str]:
    for node in nodes(file):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def attributes(file: Path) -> set[str]:
    return {node.attr for node in nodes(file) if isinstance(node, ast.Attribute)}


def asks_the_time(file: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
        for node in nodes(file)
    )


def imported(file: Path) -> Iterator[str]:
    for node in nodes(file):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_only_db_begins_and_commits() -> None:
    assert named([file for file in FILES if {"commit", "rollback", "begin_nested"} & set(calls(file))]) == ["db.py"]
    guilty = [file for file in FILES if {"begin", "Session", "AsyncSession", "create_async_engine"} & set(calls(file))]
    # migration.py runs alembic, which wants a connection of its own.
    assert named(guilty) == ["db.py", "migration.py"]


def test_only_lifecycle_writes_a_status_and_only_booking_a_registrant() -> None:
    assert named([file for file in FILES if WRITES_STATUS.search(file.read_text())]) == [
        "registry/registrants/lifecycle.py"
    ]
    assert named([file for file in FILES if INSERTS.search(file.read_text())]) == ["registry/registrants/booking.py"]


def gives_text_to_the_driver(file: Path) -> bool:
    called = (node.func for node in nodes(file) if isinstance(node, ast.Call))
    return any(
        func.attr in METHODS_OF_THE_DRIVER and ast.unparse(func.value) != "self._operations"  # of GraphQL
        for func in called
        if isinstance(func, ast.Attribute)
    )


def test_all_other_sql_is_a_statement_that_a_test_prepares() -> None:
    assert named([file for file in FILES if gives_text_to_the_driver(file)]) == GIVE_TEXT_TO_THE_DRIVER


@pytest.mark.parametrize("method", OPENED_BY)
def test_what_is_sealed_is_opened_in_one_place(method: str) -> None:
    assert named([file for file in FILES if method in attributes(file)]) == OPENED_BY[method]


@pytest.mark.parametrize("kind", TOLD_BY)
def test_what_stands_against_a_nik_is_told_in_one_place(kind: str) -> None:
    assert named([file for file in FILES if kind in called(file)]) == TOLD_BY[kind]


def test_who_asks_for_the_words_of_such_a_refusal_is_known() -> None:
    assert named([file for file in FILES if names_the_words(file)]) == ASKS_FOR_ITS_WORDS


def names_the_words(file: Path) -> bool:
    """As `telling.refusal`, or imported from there under any name."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "refusal" and getattr(node.value, "id", "") == "telling")
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "app.registry.niks.telling"
            and any(one.name in {"refusal", "*"} for one in node.names)
        )
        or (isinstance(node, ast.alias) and node.name.endswith("niks.telling") and node.asname not in {None, "telling"})
        for node in nodes(file)
    )


def called(file: Path) -> set[str]:
    """What is called by its name, as a class is that makes a value."""
    calls = (node.func for node in nodes(file) if isinstance(node, ast.Call))
    return {
        func.id if isinstance(func, ast.Name) else func.attr
        for func in calls
        if isinstance(func, ast.Name | ast.Attribute)
    }


def test_it_is_decided_of_every_column_whether_it_is_personal() -> None:
    tables = SQLModel.metadata.sorted_tables
    columns = [column for table in tables for column in table.columns if must_be_decided(table, column)]
    assert [str(column) for column in columns if "personal" not in column.info] == []
    personal = {str(column) for column in columns if column.info["personal"]}
    assert personal >= {"registrant.name_sealed", "nik_block.nik_index", "import_file.sealed"}


def test_no_table_and_no_statement_knows_test_mode() -> None:
    """A flag would be forgotten in one of them: a test registry is a database of its own."""
    knows = re.compile(r"(?<![a-z])(uji|is_test|test_mode)(?![a-z])", re.IGNORECASE)
    columns = {str(column): str(column) for table in SQLModel.metadata.sorted_tables for column in table.columns}
    texts = {name: one.text for name, one in statements() if name.startswith(("app.registry.", "app.models."))}
    assert [name for name, text in (columns | texts).items() if knows.search(text)] == []
    assert (len(columns) > 300, len(texts) > 200, bool(knows.search("registrant.is_test"))) == (True, True, True)


def must_be_decided(table: Table, column: Column[Any]) -> bool:
    """Bytes may be sealed, or an index. Of a table that tells of people, also whatever can tell who they are."""
    is_array = isinstance(column.type, ARRAY)
    if isinstance(column.type.item_type if isinstance(column.type, ARRAY) else column.type, LargeBinary):
        return True
    if column.primary_key or column.foreign_keys or column.name in of_a_vocabulary(table) or not tells_of_people(table):
        return False
    # An instant, a yes or no, and the id of a row tell nobody who somebody is. A day may be a birthday.
    return is_array or not isinstance(column.type, (UTCDateTime, Boolean, Uuid, TransactionId))


def tells_of_people(table: Table) -> bool:
    return any(
        column.info.get("personal") or column.name == "registrant_id" or column.references(REGISTRANT_ID)
        for column in table.columns
    )


def of_a_vocabulary(table: Table) -> set[str]:
    """Columns under a CHECK of `one_of`."""
    checks = [str(one.sqltext) for one in table.constraints if isinstance(one, CheckConstraint)]
    return {check.partition(" IN (")[0] for check in checks if re.match(r"\w+ IN \(", check)}


def test_a_mutation_writes_in_the_transaction_of_its_request() -> None:
    """Else its `Idempotency-Key` would not hold: `Context` says in which transaction."""
    past_it = [file for file in FILES if re.search(r"process\.(database|submissions|pushes)\b", file.read_text())]
    topics = [name for name in named(past_it) if name.startswith("graphql/topics/")]
    # Checks and the feed only read.
    assert topics == ["graphql/topics/changes.py", "graphql/topics/niks.py"]


def test_only_config_reads_the_environment() -> None:
    guilty = [file for file in FILES if {"environ", "environb", "getenv"} & attributes(file)]
    assert named(guilty) == ["config.py"]
    guilty = [file for file in FILES if any(name.startswith("pydantic_settings") for name in imported(file))]
    assert named(guilty) == ["config.py"]


def test_only_the_command_line_prints() -> None:
    guilty = [file for file in FILES if {"print", "echo"} & set(calls(file))]
    assert all(name.startswith("cli/") for name in named(guilty))


def test_only_clock_asks_for_the_time() -> None:
    assert named([file for file in FILES if asks_the_time(file)]) == ["clock.py"]


def test_no_file_is_longer_than_one_can_read() -> None:
    assert named([file for file in FILES if len(file.read_text().splitlines()) > LONGEST]) == []


TABLES_OF_CONSTANTS = {"Chart", "InventedPerson", "Page", "TestNiks", "ToldOperation", "Trip"}
"""Dataclasses of which each row of a table of constants is one: the table is read by its columns."""


def may_be_positional(one: ast.ClassDef) -> bool:
    """A dataclass of five fields or more whose fields may be given by their position."""
    given = [mark for mark in one.decorator_list if "dataclass" in ast.unparse(mark)]
    fields = [part for part in one.body if isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part)]
    return bool(given) and len(fields) >= 5 and "kw_only=True" not in ast.unparse(given[0])


def test_many_fields_are_given_by_name() -> None:
    """Two of one type, swapped, would pass the type checker."""
    found = {
        one.name for file in FILES for one in nodes(file) if isinstance(one, ast.ClassDef) and may_be_positional(one)
    }
    assert found - TABLES_OF_CONSTANTS == set()


def test_hardly_any_function_is_longer_than_one_can_read_at_a_glance() -> None:
    functions = [
        node for file in FILES for node in nodes(file) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lines = sorted((one.end_lineno or one.lineno) - one.lineno + 1 for one in functions)
    # Of twenty functions, one may be longer: signature and docstring count as well.
    assert lines[len(lines) * 95 // 100] <= MOST_LINES_OF_A_FUNCTION


WIRE, TABLES = ("graphql/topics/", "graphql/vocabulary.py", "graphql/paging.py"), ("models/",)


def layer(file: Path) -> str:
    name = str(file.relative_to(APP))
    return "wire" if name.startswith(WIRE) else "tables" if name.startswith(TABLES) else "rules"


def test_a_name_of_a_class_means_one_thing() -> None:
    """What a rule calls an organizer, its table and the schema may call so as well. What a module keeps to itself, such
    as the rows of one statement, has a name that no other module has: a search finds one class.
    """
    homes: dict[tuple[str, str], list[str]] = {}
    for file, name in zip(FILES, named(FILES), strict=True):
        for one in tree(file).body:
            if isinstance(one, ast.ClassDef):
                homes.setdefault(("" if one.name.startswith("_") else layer(file), one.name), []).append(name)
    assert {one: files for (_, one), files in homes.items() if len(files) > 1} == {}


def test_no_folder_holds_more_files_than_one_can_overlook() -> None:
    modules = Counter(file.parent for file in FILES if file.name not in {"__init__.py", "__main__.py"})
    # The loose modules of `app` itself are the process and the ground that everything stands on.
    assert {str(folder.relative_to(APP)): count for folder, count in modules.items() if count > MOST_MODULES} == {}


def test_every_file_says_what_it_is() -> None:
    assert named([file for file in FILES if ast.get_docstring(tree(file)) is None]) == []


def test_the_layers_hold() -> None:
    linted = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


def test_no_two_modules_lead_back_to_each_other() -> None:
    """Imports inside functions and under TYPE_CHECKING count as well. The linter sees no folder and its own files."""
    imports = grimp.build_graph("app", cache_dir=None)
    in_a_circle = {
        module
        for module in imports.modules
        for imported in imports.find_modules_directly_imported_by(module)
        if imports.find_shortest_chain(importer=imported, imported=module)
    }
    # The spans are optional, so the folder loads them late, and they use its types.
    assert in_a_circle == {"app.tracing", "app.tracing.spans"}
    # It names a module as text: an import that neither this test nor the linter sees.
    assert named([file for file in FILES if "strawberry.lazy" in file.read_text()]) == []


def test_the_exported_schema_is_current() -> None:
    assert (CHECKOUT / "schema.graphql").read_text() == schema.sdl()


@pytest.mark.parametrize("root", ["Query", "Mutation"])
def test_every_root_field_declares_whom_it_is_open_to(root: str) -> None:
    type_ = schema.EXECUTABLE.type_map[root]
    assert isinstance(type_, GraphQLObjectType)
    undeclared = {name for name, field in type_.fields.items() if permissions.declared(field) is None}
    # The federation's own; `_entities` authorises inside, and a gateway composes by `_service` with a token.
    assert undeclared <= {"_entities", "_service"}
    assert len(type_.fields) > 10


def private_names(file: Path) -> Iterator[str]:
    """Private names of others that are read, imported, or put in the place of something."""
    for node in nodes(file):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name):
                names = [name]
            case ast.ImportFrom(names=given):
                names = [one.name for one in given]
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=given):
                names = [one.value for one in given[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            case _:
                continue
        yield from (name for name in names if PRIVATE.fullmatch(name))


def test_tests_know_no_private_names() -> None:
    """What a module keeps to itself may change. A test says what is seen from outside."""
    allowed = PUBLIC_DESPITE_OF_IT | NAMED_NOWHERE_ELSE
    found = {str(file.relative_to(CHECKOUT)): set(private_names(file)) - allowed for file in TESTS}
    assert {file: names for file, names in found.items() if names} == {}


def test_a_test_of_a_rule_imports_no_database_and_no_server() -> None:
    """It starts in a second: what only some tests need is imported where it is needed."""
    heavy = "sqlalchemy", "alembic", "strawberry", "starlette", "app.models", "app.db"
    program = f"import sys, tests.conftest; print([n for n in {heavy} if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_a_server_imports_no_sqlalchemy() -> None:
    """It takes half a second to import, and 30 MB in each process. Servers speak to the driver straight."""
    heavy = "sqlalchemy", "sqlmodel", "alembic", "app.models.tables"
    imports = "import sys, app.main, app.cli, app.intake.imports.import_process"
    program = f"{imports}; print([n for n in {heavy} if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_whatever_a_table_marks_as_personal_is_wiped() -> None:
    assert marked() == PERSONAL_COLUMNS


def test_what_is_said_to_take_longest_is_there() -> None:
    assert [unit for unit in (*order.SHARED_SERVERS, *order.LONGEST) if not (CHECKOUT / unit).exists()] == []
