import pytest
from hypothesis import strategies as st

from app.errors import InvalidValue
from app.registry.values.names import clearly_differ, normalise
from tests.examples import given

SAME = """
Budi Santoso|BUDI SANTOSO
Budi Santoso|Santoso, Budi
Budi Santoso|Budi  Santoso
Budi Santoso|Budi Satnoso
Budi Santoso|Budi Santosa
Budi Santoso|Budi Santos
Budi Santoso|Budi Santosso
Budi Santoso|Bidi Santosa
Budi Santoso|Budi S.
Budi Santoso|B. Santoso
Budi Santoso|Budi
Budi Santoso|Budi Santoso Wibowo
H. Ahmad Fauzi|Ahmad Fauzi, S.Pd
H.Ahmad Fauzi|Ahmad Fauzi
Hj. Siti Aminah, S.Pd., M.M.|Siti Aminah
Ir. Dr. Bambang Wijaya, M.T.|Bambang Wijaya
Dewi Lestari, S. Pd|Dewi Lestari
Bpk. Joko Widodo|Joko Widodo
M. Rizky Pratama|Muhammad Rizky Pratama
Moh. Rizky Pratama|Muhammad Rizki Pratama
Mochammad Rizky|Muh Rizky
Muhammad Rizky Prata|Muhammad Rizky Pratama
M Rizki|Rizki Pratama
St. Aminah|Siti Aminah
Abd. Rahman|Abdul Rahman
Abdul Rahman|Abdurrahman
Ahmad Yani|Achmad Yani
Ahmad bin Yusuf|Ahmad Yusuf
Nur Hayati|Nurhayati
Nurhayati Siregar|Nur Hayati
Siti Nuraini|Siti Nur'aini
Siti Nuraini|Siti Nur-Aini
Soekarno|Sukarno
Djoko Tjahjono|Joko Cahjono
José Soares|Jose Soares
A. B. Cahya|Cahya
A. B.|Agus Budiman
Ani|Adi
H.|Hasan
Dr. H.|dr h
王伟|Budi Santoso
"""
DIFFERENT = """
Budi Santoso|Siti Aminah
Budi Santoso|Budi Hartono
Budi Santoso|Andi Santoso
Siti Aminah|Siti Rahayu
Siti Aminah|Siti Aisyah
Muhammad Rizal|Muhammad Rizki
Muhammad Fauzi|M. Rizki
Agus Salim|Agus Setiawan
Dewi Lestari|Dewi Kartika Sari
Ahmad Fauzi, S.Pd|Bambang Wijaya, S.Pd
H. Sulaiman|H. Ibrahim
Joko|Budi
Sri Mulyani|Sri Wahyuni
Suparman|Suparno
A. B.|Cahya Dewi
Al|Bo
Budi Budi|Budi Santoso
Nur Hayati|Nur Hidayati Sari
"""


def pairs(table: str) -> list[tuple[str, ...]]:
    return [tuple(line.split("|")) for line in table.strip().splitlines()]


@pytest.mark.parametrize(("a", "b"), pairs(SAME))
def test_one_persons_name_as_clerks_write_it_is_no_suspicion(a: str, b: str) -> None:
    assert clearly_differ(a, b) is False
    assert clearly_differ(b, a) is False


@pytest.mark.parametrize(("a", "b"), pairs(DIFFERENT))
def test_another_persons_name_is_a_suspicion(a: str, b: str) -> None:
    assert clearly_differ(a, b) is True
    assert clearly_differ(b, a) is True


WORDS = ("Budi", "Santoso", "Siti", "Muhammad", "M.", "H.", "Rizky", "S.Pd", "Nur", "Hayati", "Nurhayati", "A", "Tjoe")
PARTS = st.lists(st.sampled_from(WORDS), min_size=1)


@given(PARTS.map(" ".join), PARTS.map(" ".join))
def test_it_does_not_matter_which_name_comes_first(a: str, b: str) -> None:
    assert clearly_differ(a, b) is clearly_differ(b, a)


@given(st.text(max_size=80), st.permutations(["Wulan", "Ratih", "Kusuma"]))
def test_a_name_never_differs_from_itself_nor_from_its_words_in_another_order(name: str, order: list[str]) -> None:
    assert clearly_differ(name, name) is False
    assert clearly_differ("Wulan Ratih Kusuma", " ".join(order)) is False


@given(st.sampled_from(["Bambang Wijayanto", "Setyaningsih", "Retno Kusumawardani"]), st.data())
def test_one_mistyped_letter_is_no_suspicion(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name) - 1).filter(lambda i: name[i] != " "))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    assert clearly_differ(name, name[:place] + letter + name[place + 1 :]) is False
    assert clearly_differ(name, name[:place] + name[place + 1 :]) is False


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Budi Santoso", "Budi Santoso"),
        ("  Budi \t Santoso\n", "Budi Santoso"),
        ("Jose\u0301 Soares", "José Soares"),
        ("Siti Nur'aini, S.Pd.", "Siti Nur'aini, S.Pd."),
        ("B", "B"),
        ("a" * 120, "a" * 120),
        ("王伟", "王伟"),
    ],
)
def test_how_a_name_is_stored(name: str, stored: str) -> None:
    assert normalise(name) == stored


@pytest.mark.parametrize(
    ("name", "indonesian", "english"),
    [
        ("", "Nama wajib diisi.", "A name is required."),
        (" \t ", "Nama wajib diisi.", "A name is required."),
        ("a" * 121, "Nama paling panjang 120 huruf.", "A name has at most 120 characters."),
        ("Budi\x00", "Nama berisi tanda kendali; ketik ulang.", "The name has control characters; type it anew."),
        ("Budi\x1b[31m", "Nama berisi tanda kendali; ketik ulang.", "The name has control characters; type it anew."),
        (
            "Budi\u202eosotnaS",
            "Nama berisi tanda kendali; ketik ulang.",
            "The name has control characters; type it anew.",
        ),
        ("Budi\ud800", "Nama berisi tanda kendali; ketik ulang.", "The name has control characters; type it anew."),
        ("123", "Nama harus berisi huruf.", "A name must have a letter."),
        ("-", "Nama harus berisi huruf.", "A name must have a letter."),
    ],
)
def test_what_is_no_name_is_refused(name: str, indonesian: str, english: str) -> None:
    answer = normalise(name)
    assert isinstance(answer, InvalidValue)
    assert (answer.field, answer.message(), answer.message("en")) == ("name", indonesian, english)


@given(st.text(max_size=150))
def test_what_is_stored_stays_as_it_is_and_can_be_stored(name: str) -> None:
    stored = normalise(name)
    if isinstance(stored, str):
        assert normalise(stored) == stored
        assert 1 <= len(stored.encode()) <= 480
