"""`sdk/php` by Debian's php-cli, against a real server."""

from __future__ import annotations

import fcntl
import json
import re
import sqlite3
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from app.config import CHECKOUT
from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import Sandbox
from tests.sdk.fourteen import run_examples, run_receiver, signing_client, told
from tests.sdk.others.conftest import answer, needs
from tests.sdk.proxy import AWAY, BUSY, REFUSED_TOKEN, Proxy

EXAMPLES = CHECKOUT / "sdk/php/examples"


@pytest.fixture(scope="module")
def php() -> str:
    return needs("php", "the client for PHP")


def test_the_fourteen_examples_do_what_they_say(php: str, sandbox: Sandbox, tmp_path: Path) -> None:
    run_examples(sandbox, lambda name: [php, str(EXAMPLES / f"{name}.php")], "PHP", tmp_path)


def test_the_example_of_a_receiver(php: str, sandbox: Sandbox, tmp_path: Path) -> None:
    example = str(EXAMPLES / "webhook.php")
    run_receiver(sandbox, lambda port: [php, "-S", f"127.0.0.1:{port}", example], tmp_path, TMPDIR=str(tmp_path))


def test_the_first_lines(php: str, sandbox: Sandbox, tmp_path: Path) -> None:
    [lines] = re.findall(r"```php\n(.*?)```", (EXAMPLES.parent / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "Pemudik.php").write_bytes((EXAMPLES.parent / "Pemudik.php").read_bytes())
    (tmp_path / "first.php").write_text(f"<?php\n{told(lines, sandbox)}", encoding="utf-8")
    run = subprocess.run([php, "first.php"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == "AVAILABLE NIK ini dapat didaftarkan untuk arus mudik (penumpang).\n"


def test_requests_of_a_web_server_share_a_token(php: str, sandbox: Sandbox, proxy: Proxy, tmp_path: Path) -> None:
    """Eight processes start at once: one asks for a token, and the others wait for it. A refused one is replaced."""
    file = tmp_path / "token"
    command = [php, str(Path(__file__).parent / "behaviour.php"), "check", sandbox.nik()]
    more = {"PEMUDIK": proxy.url, "PATIENCE": "60", "SDK": str(EXAMPLES.parent), "TOKEN": str(file)}
    environment = sandbox.environment(**more)
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert {process.communicate(timeout=PATIENCE_SECONDS)[0] for process in started} == {'["AVAILABLE"]\n'}
    assert (proxy.tokens_asked, stat.S_IMODE(file.stat().st_mode)) == (1, 0o600)
    proxy.mishaps += [REFUSED_TOKEN]
    assert answer(command, environment, tmp_path) == ["AVAILABLE"]
    assert proxy.tokens_asked == 2


def test_nobody_waits_for_ever_for_who_asks_for_a_token(php: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Somebody holds the file, since the registry does not answer."""
    file = tmp_path / "token"
    code = f"""require {str(EXAMPLES.parent / "Pemudik.php")!r};
        $pemudik = new Pemudik\\Pemudik('http://127.0.0.1:1', 'a', 'b', 'id', 0.0, {str(file)!r}, 0.2);
        try {{ $pemudik->token(); }} catch (Pemudik\\Unreachable) {{ echo 'unreachable'; }}"""
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        run = subprocess.run([php, "-r", code], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert (run.stdout, run.stderr) == ("unreachable", "")


def test_nothing_that_goes_wrong_in_lists_texts_and_files_names_a_nik(
    php: str, sandbox: Sandbox, proxy: Proxy, tmp_path: Path
) -> None:
    """As what catches errors sees it: with all that was given to each function on the way."""
    nik = sandbox.nik()
    proxy.mishaps += [BUSY] * 3
    command = [php, str(Path(__file__).parent / "behaviour.php"), "fail", str(tmp_path / "outbox.db"), nik, nik, nik]
    told = answer(command, sandbox.environment(PEMUDIK=proxy.url, PATIENCE="0", SDK=str(EXAMPLES.parent)), tmp_path)
    kinds = [*["Pemudik\\TryLater"] * 3, *["InvalidArgumentException"] * 2, "RuntimeException"]
    assert [one["error"] for one in told] == kinds
    assert nik not in json.dumps(told)


def test_a_full_disk_leaves_the_cursor_as_it_was(php: str, sandbox: Sandbox, tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"
    cursor.write_text("first")
    (tmp_path / "cursor.new").symlink_to("/dev/full")
    command = [php, str(Path(__file__).parent / "behaviour.php"), "save", str(cursor), "second"]
    environment = sandbox.environment(SDK=str(EXAMPLES.parent))
    assert (
        answer(command, environment, tmp_path) == f"The cursor could not be saved in {cursor}: the one before it stays."
    )
    assert (cursor.is_symlink(), cursor.read_text()) == (False, "first")


def test_nobody_waits_for_a_clock_that_was_set_back(php: str, sandbox: Sandbox, proxy: Proxy, tmp_path: Path) -> None:
    path, nik = tmp_path / "outbox.db", sandbox.nik()
    environment = sandbox.environment(PEMUDIK=proxy.url, PATIENCE="0", SDK=str(EXAMPLES.parent))

    def does(*words: str) -> Any:
        return answer([php, str(Path(__file__).parent / "behaviour.php"), *words], environment, tmp_path)

    proxy.mishaps += [AWAY]
    assert [does("put", str(path), nik), does("send", str(path)), does("send", str(path))] == [[1], [], []]
    ahead = time.time() + 100_000_000
    with sqlite3.connect(path) as database:
        database.execute("UPDATE outbox SET postponed_at = ?, not_before = ?", (ahead, ahead + 300))
    assert does("send", str(path)) == [[1, False]]


def test_every_signature_is_one_of_a_jwt(php: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """One of the two numbers of a signature is shorter than 32 bytes once in 128 times."""
    key = tmp_path / "private.pem"
    signing_client(sandbox, key)
    code = f"""require {str(EXAMPLES.parent / "Pemudik.php")!r};
        for ($i = 0; $i < 1000; $i++) {{
            echo Pemudik\\assertion('a', file_get_contents({str(key)!r}), 'b'), "\\n";
        }}"""
    run = subprocess.run([php, "-r", code], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)
    public = ECKey.import_key(key.read_text(encoding="utf-8"))
    claims = [jwt.decode(one, public, algorithms=["ES256"]).claims for one in run.stdout.splitlines()]
    assert {one["sub"] for one in claims} == {"a"}
    assert len({one["jti"] for one in claims}) == 1000


def test_every_file_is_in_order(php: str) -> None:
    """Composer's file names what is there, and nothing needs more than PHP 8.1 has."""
    composer = json.loads((EXAMPLES.parent / "composer.json").read_bytes())
    assert composer["autoload"]["files"] == ["Pemudik.php"]
    for file in EXAMPLES.parent.rglob("*.php"):
        subprocess.run([php, "-d", "error_reporting=-1", "-l", str(file)], capture_output=True, check=True)
