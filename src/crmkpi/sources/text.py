"""From a path or an open file to its text."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases
from pathlib import Path
from typing import IO, Any

from crmkpi.errors import FileFormatError, InputError, UnknownNameError, did_you_mean

__all__ = ["Source", "read_text"]

Source = str | Path | IO[str] | IO[bytes]


def read_text(source: Source, *, encoding: str | None) -> tuple[str, str]:
    """The whole text of a file, and its name for messages.

    Without an encoding it is UTF-8, or UTF-16 where a byte order mark says so. The mark is no part of the text.
    Text that a file object has decoded by itself is taken as it is.
    """
    content, name = _content(source)
    if isinstance(content, bytes):
        content = _decoded(content, encoding, name)
    content = content.removeprefix("\ufeff")
    if "\0" in content:
        line = content.count("\n", 0, content.index("\0")) + 1
        raise FileFormatError(
            f"{name} has a NUL character on line {line}, so it is no plain text in this encoding: "
            f'save it as CSV or JSON, or say encoding="utf-16" if it is in that encoding.'
        )
    return content, name


def _content(source: Any) -> tuple[str | bytes, str]:
    if isinstance(source, str | Path):
        return Path(source).read_bytes(), Path(source).name
    if not hasattr(source, "read"):
        raise InputError(f"A source must be a path or an open file, and this is a {type(source).__name__}.")
    name = getattr(source, "name", None)
    name = Path(name).name if isinstance(name, str) else "<file>"
    try:
        content = source.read()
    except UnicodeError as problem:
        raise FileFormatError(
            f"{name} was opened with an encoding that does not fit ({problem}): open it with another one, or in binary."
        ) from problem
    if not isinstance(content, str | bytes):
        raise InputError(f"An open file must give text or bytes, and {name} gave a {type(content).__name__}.")
    return content, name


def _decoded(content: bytes, encoding: str | None, name: str) -> str:
    if encoding is None:
        marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if marked else "utf-8"
    try:
        return content.decode(encoding)
    except LookupError:
        raise UnknownNameError(
            f"There is no text encoding {encoding!r}. {did_you_mean(encoding, ['utf-8', 'utf-16', 'cp1252', *aliases])}"
        ) from None
    except UnicodeDecodeError as problem:
        raise FileFormatError(
            f"{name} is not {encoding}: the byte 0x{content[problem.start]:02X} at position {problem.start} cannot be "
            f'decoded; say which encoding it is, for example encoding="cp1252" (Windows) or encoding="utf-16".'
        ) from None
    except (UnicodeError, ValueError) as problem:
        raise FileFormatError(f"{name} is not {encoding} ({problem}); say which encoding it is.") from problem
