"""A client without a secret: it signs with a private key, which never leaves this machine."""

import os
from pathlib import Path

from pemudik_client import Pemudik

private_key = Path(os.environ["PRIVATE_KEY"]).read_text(encoding="utf-8")
pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["SIGNING_CLIENT_ID"], private_key=private_key)

print(pemudik.check_nik("3171030101909001")["outcome"])
