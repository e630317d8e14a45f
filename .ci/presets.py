"""Writes docs/presets/: a page for each preset, from the preset files.

python .ci/presets.py            write the pages
python .ci/presets.py --check    fail if the pages are not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

from pages import keep

from crmkpi import presets
from crmkpi.presets import Preset, PresetColumn

DOCS = Path(__file__).parent.parent / "docs"
COMMAND = "python .ci/presets.py"
WRITTEN = f"<!-- Written by `{COMMAND}`; do not edit. -->\n"
SEEN = {"file": "a real file", "code": "code", "documents": "documents alone"}
UNITS = {
    "percent": "a percentage",
    "smallest": "the smallest unit of the currency",
    "flag": "yes or no, however it is written",
    "capitals": "read in capital letters",
    "unix_seconds": "Unix seconds",
    "unix_milliseconds": "Unix milliseconds",
    "excel_days": "days of a workbook",
}
INTRODUCTION = """\
# Presets

A preset knows the export of one system: which of its columns fills which field, what its words mean, and in which units
its numbers are. `read_csv(path, preset="hubspot_deal")` reads by one, `read_export(path)` finds out which it is, and
`table(frame, preset="hubspot_deal")` takes a frame. [Reading files](../reading-files.md) shows how.

What a preset rests on is said on its page, column by column where they differ: a real file that was seen, code that
reads or writes such files, or documents alone. What rests on documents alone may be wrong: if your file differs, say so
with `columns=`, and tell us.

| preset | system | records | rests on |
| --- | --- | --- | --- |
"""


def cell(text: str) -> str:
    """Text within a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def reading(column: PresetColumn) -> str:
    """How the values of a column are read, in words."""
    parts = [UNITS.get(column.unit, f"in {column.unit}")] if column.unit else []
    if column.after:
        parts.append(f"counted from `{column.after}`")
    if column.per:
        parts.append(f"for each {column.per}, times {column.times}, brought to a month")
    if column.first_of:
        parts.append(f"the first of several set apart by `{column.first_of}`")
    said = [f"{word} is {'no value' if meaning is None else meaning}" for word, meaning in column.words.items()]
    if column.reads_others:
        said.append(f"all else is {'no value' if column.others is None else column.others}")
    return "; ".join(filter(None, [*parts, ", ".join(said), column.note]))


def page(preset: Preset) -> str:
    """The page of one preset."""
    record = f"`{preset.record}` records" if preset.record else "totals, and no records"
    lines = [
        f"# {preset.system}: {preset.title}",
        "",
        WRITTEN,
        f"`{preset.name}` reads {record}. It rests on {SEEN[preset.seen]}"
        + (f": {preset.source}." if preset.source else "."),
        "",
        *[f"- {note}" for note in preset.notes],
        "",
        "| column | fills | how it is read | rests on |",
        "| --- | --- | --- | --- |",
    ]
    for column in preset.columns:
        headers = " or ".join(column.headers)
        fills = ", ".join(f"`{name}`" for name in column.fills if name != "attributes") or "an attribute"
        lines.append(f"| {cell(headers)} | {fills} | {cell(reading(column))} | {SEEN[preset.seen_of(column)]} |")
    if preset.stages is not None:
        columns = ", ".join(f"`{header}`" for header in (*preset.stages.entered, *preset.stages.left))
        lines += ["", f"Columns with the date of each stage become `StageVisit` records: {columns}."]
    if preset.constants:
        said = ", ".join(f"`{name}` is {value}" for name, value in preset.constants.items())
        lines += ["", f"Where no column says otherwise, {said}."]
    for rule in preset.leave_out:
        how = (
            f"begin with {' or '.join(rule.starts)}"
            if rule.starts
            else f"have {' or '.join(rule.words)} in {' or '.join(rule.headers)}"
        )
        lines += ["", f"Rows that {how} are left out, and counted as: {rule.reason}."]
    return "\n".join([*lines, ""])


def pages() -> dict[str, str]:
    """The text of each page, by its name within docs."""
    rows = [
        f"| [{name}]({name}.md) | {each.system}: {each.title} | {each.record or 'totals'} | {SEEN[each.seen]} |"
        for name, each in presets.items()
    ]
    index = INTRODUCTION.replace("# Presets\n", f"# Presets\n\n{WRITTEN}", 1) + "\n".join([*rows, ""])
    return {"presets/index.md": index} | {f"presets/{name}.md": page(each) for name, each in presets.items()}


if __name__ == "__main__":
    sys.exit(keep(DOCS, pages(), folder="presets", check="--check" in sys.argv[1:], command=COMMAND))
