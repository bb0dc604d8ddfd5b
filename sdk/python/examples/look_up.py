"""One of our own, with NIK and name: only when they are asked for."""

import os

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

found = pemudik.registrant({"reference": os.environ["REFERENCE"]}, fields="status name route { departsAt }")
print(f"{found['status']} {found['name']}" if found else "nobody")
