"""A refusal: `code` is what to branch on, the message is for the person at the counter."""

import os

from pemudik_client import Pemudik, Refused

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

try:
    pemudik.submit_registrant(
        {
            "nik": os.environ["NIK_OF_ANOTHER"],
            "name": "Warga Contoh",
            "routeId": os.environ["ROUTE"],
            "identityDocument": "KTP",
        }
    )
except Refused as refused:
    if refused.code == "NIK_ALREADY_REGISTERED" and refused.standing:
        print(refused.code, refused.standing["organizer"]["name"])
    elif refused.retry_after:
        print("Again in", refused.retry_after, "seconds:", refused.message)
    else:
        print(refused.message)
