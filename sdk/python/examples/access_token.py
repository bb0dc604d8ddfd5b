"""A token, for what the client has no method for. The client gets one by itself, and keeps it while it is good."""

import os

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

token = pemudik.token()
print(len(token.split(".")))
