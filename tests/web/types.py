"""`python -m tests.web.types`: TypeScript checks the scripts of the pages, typed by JSDoc, where Node.js is."""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests import npm
from tests.web.browsing import NPM


def main() -> int:
    if shutil.which("npm") is None:
        return 0
    npm.install(NPM)
    compiler = NPM / "node_modules" / "typescript" / "bin" / "tsc"
    return subprocess.run(["node", str(compiler), "--project", str(NPM)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
