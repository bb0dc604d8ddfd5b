"""One line of text as people type it: blanks made single, nothing invisible, not too long."""

from app.errors import InvalidValue


def line(field: str, value: str, *, most: int = 120) -> str | InvalidValue:
    tidy = " ".join(value.split())
    if not tidy:
        return InvalidValue(field, "Tidak boleh kosong.", "It must not be empty.")
    if len(tidy) > most:
        return InvalidValue(field, f"Paling banyak {most} karakter.", f"At most {most} characters.")
    if not tidy.isprintable():
        return InvalidValue(field, "Ada karakter yang tidak terlihat.", "It has an invisible character in it.")
    return tidy
