"""The version of this program. It is written in `pyproject.toml` alone, and read here from the installed package."""

from importlib import metadata

VERSION = metadata.version("pemudik")
