"""A whole list as a file: how many rows are refused, and the file back with the verdict of each row."""

import os
from pathlib import Path

from pemudik_client import Pemudik

pemudik = Pemudik(os.environ["PEMUDIK"], os.environ["PEMUDIK_CLIENT_ID"], os.environ["PEMUDIK_CLIENT_SECRET"])

# dry_run: the rows are judged, and nothing changes.
sent = pemudik.import_file(os.environ["LIST"], dry_run=True)
done = pemudik.import_over(sent["id"], every_seconds=0.5)
print(f"{done['rowsDone']} rows, {done['refused']} refused")

Path("hasil.csv").write_bytes(pemudik.import_result(sent["id"]))
print(";".join(Path("hasil.csv").read_text(encoding="utf-8-sig").splitlines()[0].split(";")[-2:]))
