"""Write outputs to files atomically: all of them or none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from crmkpi.errors import InputError

__all__ = ["PAGE_SUFFIXES", "write_all"]

PAGE_SUFFIXES = (".html", ".md", ".xlsx")


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files, or none: each has a temporary name first, and is renamed when all are complete.

    Raises:
        InputError: one of them cannot be written; nothing has changed.
    """
    written: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder", str(path))
            path.parent.mkdir(parents=True, exist_ok=True)
            other = path.with_name(f".{path.name}.{os.getpid()}.new")
            written[other] = path
            other.write_bytes(content)
        for other, path in written.items():
            other.replace(path)
    except OSError as error:
        for other in written:
            other.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror or error}; nothing was changed.") from None
