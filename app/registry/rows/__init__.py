"""The ministry's 12 columns: rows come in, are judged and taken in, or judged only (a dry run); and rows go out."""
