"""An outbox: written down first, sent when the registry answers, once and in order. Run `send` from cron as well."""

import os

from pemudik_client import Outbox, Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

outbox = Outbox("outbox.db")
for nik in (str(int(os.environ["NIK"]) + 9), "3171030000009001"):
    person = {"nik": nik, "name": "Warga Contoh", "routeId": os.environ["ROUTE"], "identityDocument": "KTP"}
    outbox.put("submitRegistrant", input=person)

for sent in outbox.send(pemudik):
    print(sent.problem["code"] if sent.problem else "accepted")
for item in outbox.refused():
    # Put right and sent again (`again`), or deleted with what it knows of a person.
    outbox.forget(item.id)
print(outbox.waiting(), "waiting")
