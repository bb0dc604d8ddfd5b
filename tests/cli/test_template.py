from __future__ import annotations

from pathlib import Path

from app.intake.files.template import workbook
from tests.cli.conftest import Pemudik


def test_the_template_goes_into_a_file_or_to_standard_output(pemudik: Pemudik, tmp_path: Path) -> None:
    assert pemudik("template", str(tmp_path / "templat.xlsx")).output == ""
    assert (tmp_path / "templat.xlsx").read_bytes() == workbook()
    assert pemudik("template", "-").stdout_bytes == workbook()


def test_a_folder_that_is_not_there(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "none" / "templat.xlsx"
    said = pemudik("template", str(file), code=1).stderr
    assert said == f"pemudik: {file} cannot be written: No such file or directory.\n"
