"""Render results and tables as plain text, for terminals and logs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from unicodedata import combining, east_asian_width

from crmkpi.definition.metric import Share
from crmkpi.display.format import (
    format_change,
    format_change_interval,
    format_detectable,
    format_input,
    format_interval,
    format_label,
    judgement,
    value_text,
    words,
)
from crmkpi.display.notes import not_given
from crmkpi.display.sheet import Sheet, SheetColumn, compared_label, sheet_of
from crmkpi.measuring.results import Change, Report, Result
from crmkpi.measuring.unreadable import commonest

__all__ = ["draw_text", "report_text", "result_text"]

_GAP = "  "
_NARROWEST = {"metric": 16, "label": 8}
_WORDS = re.compile(r"[^ _]*[ _]*")  # the words of a title or an id
_GREEN, _RED, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"
_BRIEFLY = {"no clear change": "unclear", "too few to say": "too few"}


def result_text(result: Result) -> str:
    """A result in one line, with its evidence.

    >>> from crmkpi import win_rate
    >>> result_text(win_rate.from_totals(won=4238, closed=6711))
    'win_rate 63.2 % [62.0 %, 64.3 %], 4,238 won of 6,711 closed'
    >>> result_text(win_rate.from_totals(won=0, closed=0))
    'win_rate undefined: no deal was closed'
    """
    labels = [f"{name} {format_label(value)}" for name, value in result.segment.items()]
    if result.period is not None:
        labels.insert(0, result.period.label)
    head = result.definition + (f" ({', '.join(labels)})" if labels else "")
    if result.reason is not None:
        parts = [f"{head} undefined: {result.reason}"]
    else:
        interval = format_interval(result.interval, result.unit, currency=result.currency)
        parts = [
            ", ".join(filter(None, (" ".join(filter(None, (head, value_text(result), interval))), _inputs(result))))
        ]
        if result.interval is not None and result.interval.without:
            parts[0] += f", without {result.interval.without:,} that cannot be read"
    if result.left_out:
        seen = {f"{field} unreadable": f" ({commonest(values)})" for field, values in result.unreadable.items()}
        parts.append(
            "left out: "
            + ", ".join(f"{count:,} {reason}{seen.get(reason, '')}" for reason, count in result.left_out.items())
        )
    rejected = sum(account.rejected for account in result.accounts)
    if rejected:
        parts.append(f"{rejected:,} {'row' if rejected == 1 else 'rows'} could not be read")
    if result.skipped:
        parts.append("no records: " + ", ".join(f"{count:,} {reason}" for reason, count in result.skipped.items()))
    if result.compared_to is not None and result.change is not None and result.change.absolute is not None:
        parts.append(_change(result, result.change))
    if (lacking := not_given(result)) is not None:
        parts.append(lacking)
    if result.small_sample:
        parts.append("small sample")
    if result.complete is False:
        parts.append("the period is not over")
    return "; ".join(parts)


def report_text(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """A report as an aligned table of at most `width` columns: long names of KPIs wrap.

    With `colour`, terminal codes make significant changes green or red.
    """
    if not report:
        return f"{report.title}: no results" if report.title else "no results"
    sheet = sheet_of(report.results, title=report.title, names=report.names, notes=report.notes)
    return draw_text(sheet, width=width, colour=colour)


def draw_text(sheet: Sheet, *, width: int = 80, colour: bool = False) -> str:
    """A table in plain text, with its heading above and its notes below."""
    columns = _fitted(sheet.columns, width)
    widths = [max(map(_columns, (column.header, *_lines_of(column)))) for column in columns]
    lines = [sheet.heading, ""] if sheet.heading else []
    lines.append(_line([column.header for column in columns], columns, widths))
    lines.append("-" * (sum(widths) + len(_GAP) * (len(widths) - 1)))
    group = None
    for number, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if sheet.groups and sheet.groups[number] != group:
            group = sheet.groups[number]
            lines.append(words(group))
        first, *others = zip_longest(*(cell.split("\n") for cell in cells), fillvalue="")
        lines.append(_line(first, columns, widths))
        if colour and sheet.results:
            lines[-1] = _coloured(lines[-1], first, columns, sheet.results[number])
        lines += [_line(line, columns, widths) for line in others]
    if sheet.notes:
        lines.append("")
    for note in sheet.notes:
        lines += textwrap.wrap(note, width, subsequent_indent=_GAP)
    return "\n".join(lines)


def _coloured(line: str, cells: Sequence[str], columns: Sequence[SheetColumn], result: Result) -> str:
    """The line with its change in green or red, if it is significantly better or worse."""
    better = None if result.change is None else result.change.better
    shown = next((cell for cell, column in zip(cells, columns, strict=True) if column.role == "change"), "")
    if better is None or not shown:
        return line
    before, change, after = line.rpartition(shown)
    return f"{before}{_GREEN if better else _RED}{change}{_PLAIN}{after}"


def _change(result: Result, change: Change) -> str:
    """The change of a value from the compared one, and the verdict on it."""
    interval = format_change_interval(change, result.unit, currency=result.currency)
    said = f"{format_change(change, result.unit)}{' ' if interval else ''}{interval} against {compared_label(result)}"
    verdict = judgement(change)
    if change.verdict in ("no clear change", "too few to say"):
        seen = format_detectable(change, result.unit, currency=result.currency)
        return f"{said}: {change.verdict}" + (f", smallest detectable change {seen}" if seen else "")
    return f"{said}: {verdict}" if verdict else said


def _inputs(result: Result) -> str:
    """The numbers behind a value: "4,238 won of 6,711 closed", or the number of records for a single input."""
    metric = result.metric
    texts = {
        name: f"{format_input(metric, name, value, currency=result.currency)} {_counted_name(name, value)}"
        for name, value in result.inputs.items()
    }
    if isinstance(metric.interval, Share):
        return f"{texts.pop(metric.interval.part)} of {texts.pop(metric.interval.whole)}"
    if len(texts) == 1:
        return "" if result.unit == "count" else f"{result.n:,} {'record' if result.n == 1 else 'records'}"
    return ", ".join(texts.values())


def _counted_name(name: str, value: object) -> str:
    """The name of an input as words, in the singular for a count of 1: "1 order"."""
    text = words(name)
    if value != 1 or not isinstance(value, int) or not text.endswith("s") or text.endswith("ss"):
        return text
    return text.removesuffix("ies") + "y" if text.endswith("ies") else text.removesuffix("s")


def _fitted(columns: Sequence[SheetColumn], width: int) -> list[SheetColumn]:
    """The columns with their widest cells cut or wrapped to fit the width, as far as that is sensible."""
    fitted = list(columns)
    limits = {number: max(map(_columns, (column.header, *column.cells))) for number, column in enumerate(columns)}
    spare = width - sum(limits.values()) - len(_GAP) * (len(columns) - 1)
    for number, column in enumerate(columns):
        if column.role == "change" and spare < 0:
            fitted[number] = SheetColumn(column.role, column.header, tuple(map(_briefly, column.cells)))
            shorter = max(map(_columns, (column.header, *fitted[number].cells)))
            spare += limits[number] - shorter
            limits[number] = shorter
    for number, column in enumerate(columns):
        if column.role == "number" and spare < 0 and any(" to " in cell for cell in column.cells):
            fitted[number] = column._replace(cells=tuple(cell.replace(" to ", " to\n") for cell in column.cells))
            shorter = max(map(_columns, (column.header, *_lines_of(fitted[number]))))
            spare += limits[number] - shorter
            limits[number] = shorter
    for role in ("label", "metric"):
        while spare < 0:
            wide = [n for n, column in enumerate(columns) if column.role == role and limits[n] > _NARROWEST[role]]
            if not wide:
                break
            limits[max(wide, key=limits.__getitem__)] -= 1
            spare += 1
    for number, column in enumerate(columns):
        if column.role == "metric":
            cells = tuple("\n".join(_wrapped(cell, limits[number])) for cell in column.cells)
            fitted[number] = SheetColumn(column.role, column.header, cells)
        elif column.role in _NARROWEST:
            cells = tuple(_cut(cell, limits[number]) for cell in column.cells)
            fitted[number] = SheetColumn(column.role, _cut(column.header, limits[number]), cells)
    return fitted


def _lines_of(column: SheetColumn) -> list[str]:
    return [line for cell in column.cells for line in cell.split("\n")]


def _line(cells: Sequence[str], columns: Sequence[SheetColumn], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - _columns(cell)) if column.is_text else " " * (width - _columns(cell)) + cell
        for cell, column, width in zip(cells, columns, widths, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _columns(text: str) -> int:
    """The width of a text in terminal columns: two for wide characters, none for combining accents."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _briefly(change: str) -> str:
    """A change in fewer words, for a narrow line."""
    for long, short in _BRIEFLY.items():
        change = change.replace(long, short)
    return change


def _wrapped(name: str, width: int) -> list[str]:
    """A name wrapped between its words, and within words longer than a line; later lines are indented."""
    lines = [""]
    for word in _parts(name, width):
        if _columns(lines[-1] + word.rstrip()) > width and lines[-1].strip():
            lines.append(_GAP)
        lines[-1] += word
    return [line.rstrip() for line in lines]


def _parts(name: str, width: int) -> Iterator[str]:
    """The words of a name, with those wider than a line split."""
    for word in _WORDS.findall(name):
        rest = word
        while _columns(rest.rstrip()) > width:
            piece = rest[: width - len(_GAP)]
            while _columns(piece) > width - len(_GAP):
                piece = piece[:-1]
            yield piece
            rest = rest[len(piece) :]
        yield rest


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    while text and _columns(text) >= width:
        text = text[:-1]
    return f"{text}…"
