"""What happened to our registrants, each change once. The file keeps the cursor: it goes on there, after months too."""

import os

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

# Without `every_seconds=None` it waits for what happens next.
for change in pemudik.follow("pemudik.cursor", every_seconds=None):
    if change["registrant"]["reference"] == os.environ["REFERENCE"]:
        print(change["kind"], change["to"] or "-")
