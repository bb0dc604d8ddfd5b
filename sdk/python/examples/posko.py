"""At the posko: a family is verified and departs by its booking code; somebody else cancels."""

import os

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

REFERENCE = os.environ["REFERENCE"]

for person in pemudik.verify_booking(REFERENCE + "-FAMILY", posko="Monas"):
    print(person["problem"]["message"] if person["problem"] else person["registrants"][0]["status"])
for person in pemudik.depart_booking(REFERENCE + "-FAMILY", healthy=True):
    print(person["problem"]["message"] if person["problem"] else person["registrants"][0]["status"])
print(pemudik.cancel_registrant({"reference": REFERENCE}, "Tidak jadi berangkat")["status"])
