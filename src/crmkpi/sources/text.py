"""Decode a path or an open file to text, block by block."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from encodings.aliases import aliases
from pathlib import Path
from typing import IO, Any, NamedTuple

from crmkpi.errors import FileFormatError, InputError, unknown_name
from crmkpi.sources.limits import LONGEST_LINE

__all__ = ["Source", "Text", "open_text", "read_text"]

Source = str | Path | IO[str] | IO[bytes]
_BLOCK = 131_072
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NO_TEXT = {"rot_13", "base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "uu_codec", "zlib_codec"}
_TEXT_ENCODINGS = ["utf-8", "utf-16", "cp1252", *(name for name, of in aliases.items() if of not in _NO_TEXT)]
_ARCHIVE = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


class Text(NamedTuple):
    """The text of a source, which can be iterated more than once; of a file on disk, memory holds one block.

    `name` is for messages. `encoding` is None for a file that was opened as text.
    """

    name: str
    encoding: str | None
    content: Path | str | bytes

    def blocks(self) -> Iterator[str]:
        """The text in blocks of whole lines, without a byte order mark."""
        lines, rest = 0, ""
        for number, block in enumerate(self._decoded()):
            found = block.removeprefix("\ufeff") if number == 0 else block
            if "\0" in found:
                line = lines + rest.count("\n") + found.count("\n", 0, found.index("\0")) + 1
                raise FileFormatError(
                    f"{self.name} has a NUL character on line {line}, so it is not plain text in this encoding: "
                    f'save it as CSV or JSON, or say encoding="utf-16" if it is in that encoding.'
                )
            found = rest + found
            end = max(found.rfind("\n"), found.rfind("\r", 0, -1)) + 1  # the last \r may be the first half of \r\n
            whole, rest = found[:end], found[end:]
            if len(rest) > LONGEST_LINE:
                raise FileFormatError(
                    f"{self.name} has a line of more than {LONGEST_LINE:,} characters, after line {lines:,}: "
                    f"it is not a table, or its line ends are lost."
                )
            if whole:
                lines += whole.count("\n")
                yield whole
        if rest:
            yield rest

    def _decoded(self) -> Iterator[str]:
        if self.encoding is None:
            assert isinstance(self.content, str)
            yield from (self.content[start : start + _BLOCK] for start in range(0, len(self.content), _BLOCK))
            return
        decoder = codecs.getincrementaldecoder(self.encoding)()
        position = 0
        for content in self._bytes():
            waiting = len(decoder.getstate()[0])
            try:
                found = decoder.decode(content, final=not content)
            except UnicodeDecodeError as problem:
                place = position - waiting + problem.start
                raise FileFormatError(
                    f"{self.name} is not {self.encoding}: the byte 0x{problem.object[problem.start]:02X} at position "
                    f"{place} cannot be decoded; say which encoding it is, for example "
                    f'encoding="cp1252" (Windows) or encoding="utf-16".'
                ) from None
            except (UnicodeError, ValueError) as problem:
                raise FileFormatError(f"{self.name} is not {self.encoding} ({problem}); say which it is.") from problem
            position += len(content)
            if found:
                yield found

    def _bytes(self) -> Iterator[bytes]:
        """The content in blocks, and an empty one at the end."""
        if isinstance(self.content, Path):
            with self.content.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        else:
            assert isinstance(self.content, bytes)
            yield from (self.content[start : start + _BLOCK] for start in range(0, len(self.content), _BLOCK))
        yield b""


def open_text(source: Source, *, encoding: str | None) -> Text:
    """Open a source as text. The default encoding is UTF-8, or UTF-16 where a byte order mark says so.

    Text from a file object is used as it is. A pipe is read at once, since its content cannot be read again.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        with path.open("rb") as file:
            start = file.read(4)
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Text(path.name, _encoding(start, encoding, path.name), path)
            whole = start + file.read()  # a pipe cannot be read again
        return Text(path.name, _encoding(start, encoding, path.name), whole)
    content, name = _content(source)
    if isinstance(content, str):
        return Text(name, None, content)
    return Text(name, _encoding(content[:4], encoding, name), content)


def read_text(source: Source, *, encoding: str | None) -> tuple[str, str]:
    """The whole text of a source, and its name for messages."""
    text = open_text(source, encoding=encoding)
    return "".join(text.blocks()), text.name


def _content(source: Any) -> tuple[str | bytes, str]:
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


def _encoding(start: bytes, given: str | None, name: str) -> str:
    """The given encoding, or the one that the first bytes show."""
    if start == _ARCHIVE:
        raise FileFormatError(
            f"{name} is a workbook or another archive and not text: read workbooks with read_excel, and unpack others."
        )
    if start == _OLD_WORKBOOK:
        raise FileFormatError(
            f"{name} is a workbook of the old format (.xls) and not text: save it as .xlsx or as CSV."
        )
    if given is None:
        return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")
    try:
        b"".decode(given)
        "".encode(given)
        codecs.getincrementaldecoder(given)
    except LookupError:
        raise unknown_name(f"There is no text encoding {given!r}.", given, _TEXT_ENCODINGS) from None
    except UnicodeError as problem:
        raise FileFormatError(f"{name} is not {given} ({problem}); say which encoding it is.") from problem
    return given
