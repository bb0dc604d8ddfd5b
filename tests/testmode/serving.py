"""Commands that are refused."""

from __future__ import annotations

import os
import subprocess
import sys

from app.config import CHECKOUT
from tests.patience import PATIENCE_SECONDS
from tests.servers import Place


def refused(place: Place, database_url: str, *words: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PORT", "HOST"}}
    home = {"PEMUDIK_HOME": str(place.home), "DATABASE_URL": database_url}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=CHECKOUT,
        env=kept | home | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return done.stderr
