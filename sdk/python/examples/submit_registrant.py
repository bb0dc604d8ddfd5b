"""One person, one seat. Sending it again is harmless: the same registrant comes back."""

import os

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

submission = pemudik.submit_registrant(
    {
        "nik": os.environ["NIK"],
        "name": "Warga Contoh",
        "routeId": os.environ["ROUTE"],
        "identityDocument": "KTP",
        "reference": os.environ["REFERENCE"],
    }
)
print(submission["registrant"]["status"], "replayed" if submission["replayed"] else "new")
