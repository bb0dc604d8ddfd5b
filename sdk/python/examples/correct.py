"""What is known of a person later is put right. The log keeps that it was, and why."""

import os

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

corrected = pemudik.correct_registrant(
    {"reference": os.environ["REFERENCE"]}, {"name": "Warga Contoh Sekali", "reason": "Salah ketik"}
)
print(corrected["status"])
