"""How long a test waits for a state that it has brought about, before that is taken for one which never comes.

A busy machine may take its time. What is to be fast is measured in `bench`.
"""

from __future__ import annotations

import asyncio
import ssl

PATIENCE_SECONDS = 300.0

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For requests to this machine, as `verify`: to read the certificates of all authorities takes 20 ms a client."""


def patience() -> asyncio.Timeout:
    return asyncio.timeout(PATIENCE_SECONDS)
