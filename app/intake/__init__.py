"""The other doors: the ministry's 12 columns by webhook and by file, and last year's scheme. Over plain HTTP."""
