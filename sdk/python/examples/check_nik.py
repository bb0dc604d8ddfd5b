"""May this NIK be registered? The answer is a courtesy: the submission decides."""

import os

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

check = pemudik.check_nik(os.environ["NIK"], direction="MUDIK", service="PASSENGER")
print(check["outcome"])
