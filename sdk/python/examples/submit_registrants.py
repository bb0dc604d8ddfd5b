"""A whole list: a verdict for each, in order, 1,000 a call. It may be of any length, and need not be in memory."""

import os
from collections import Counter
from collections.abc import Iterator

from pemudik_client import Pemudik, SubmitRegistrant

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])


def people() -> Iterator[SubmitRegistrant]:
    niks = [str(int(os.environ["NIK"]) + 100 + place) for place in range(1000)]
    for nik in [*niks, "3171030000009001"]:
        yield {"nik": nik, "name": "Warga Contoh", "routeId": os.environ["ROUTE"], "identityDocument": "KTP"}


outcomes: Counter[str] = Counter()
for verdict in pemudik.submit_registrants(people()):
    outcomes[verdict.problem["code"] if verdict.problem else "accepted"] += 1
for code, count in outcomes.items():
    print(code, count)
