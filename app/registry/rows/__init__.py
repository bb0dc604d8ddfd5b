"""The ministry's 12 columns: a row comes in and is judged, rehearsed, consolidated; and rows go out."""
