"""The pages of docs/presets/: one for each preset, from the preset files."""

from __future__ import annotations

from crmkpi.sources.presets import PRESETS, Preset, PresetColumn

WRITTEN = "<!-- Written by `python .ci/pages.py`; do not edit. -->\n"
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

A preset is a mapping for the export of one system: columns to fields, values, and units.
`read_csv(path, preset="hubspot_deal")` applies it, `read_export(path)` detects it, `scan` and `stream_csv` apply it to
large files, and `table(frame, preset=...)` to a frame.
[Reading files](../reading-files.md) shows how.

The page of a preset names the evidence for each column, header, list of values and rule: a real file, code that reads
or writes such files, or documents alone (which includes general knowledge of the system). Only presets with a real
file as evidence were tested with one. A mapping from documents alone may be wrong: if your file differs, override it
with `columns=` and `values=`, and tell us.

| preset | system | records | evidence |
| --- | --- | --- | --- |
"""


def cell(text: str) -> str:
    """Escape the text of a table cell."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def reading(column: PresetColumn) -> str:
    """The description of how the values of a column are read."""
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


def rests_on(preset: Preset, column: PresetColumn) -> str:
    """The evidence of a column, and of single headers and values if theirs differs."""
    said = [SEEN[preset.seen_of(column)]]
    said += [f"{header}: {SEEN[seen]}" for header, seen in column.headers_seen.items()]
    if column.words_seen is not None:
        said.append(f"its words: {SEEN[column.words_seen]}")
    return "; ".join(said)


def never_seen(preset: Preset) -> list[str]:
    """The warning above the columns: the parts without a real file as evidence."""
    if preset.seen == "documents":
        return [
            "",
            "Evidence: documents alone, neither a real file nor code that reads or writes one.",
        ]
    if preset.seen == "code":
        lines = ["", "Not tested with a real file."]
    else:
        lines = ["", "Tested with a real file, which has one of the headers of each column."]
    columns = [header for column in preset.columns for header in column.headers if supposed(preset, column, header)]
    words = [column.headers[0] for column in preset.columns if column.words_seen == "documents"]
    parts = [f"the columns {', '.join(dict.fromkeys(columns))}"] if columns else []
    parts += [f"the words in {', '.join(words)}"] if words else []
    parts += ["the rules below for rows that are left out"] if any(rule.seen for rule in preset.leave_out) else []
    if preset.stages is not None and preset.stages.headers_seen:
        parts.append(f"the columns of stages {', '.join(preset.stages.headers_seen)}")
    if parts:
        lines[-1] += f" From documents alone: {cell('; '.join(parts))}."
    return lines


def supposed(preset: Preset, column: PresetColumn, header: str) -> bool:
    """True if documents alone are the evidence of a header."""
    return column.headers_seen.get(header, preset.seen_of(column)) == "documents"


def page(preset: Preset) -> str:
    """The page of one preset."""
    record = f"`{preset.record}` records" if preset.record else "totals, and no records"
    lines = [
        f"# {preset.system}: {preset.title}",
        "",
        WRITTEN,
        f"`{preset.name}` reads {record}. Evidence: {SEEN[preset.seen]}"
        + (f": {preset.source}." if preset.source else "."),
        *never_seen(preset),
        "",
        *[f"- {note}" for note in preset.notes],
        "",
        "| column | fills | conversion | evidence |",
        "| --- | --- | --- | --- |",
    ]
    for column in preset.columns:
        headers = " or ".join(column.headers)
        fills = ", ".join(f"`{name}`" for name in column.fills if name != "attributes") or "an attribute"
        lines.append(f"| {cell(headers)} | {fills} | {cell(reading(column))} | {cell(rests_on(preset, column))} |")
    if preset.stages is not None:
        columns = ", ".join(f"`{header}`" for header in (*preset.stages.entered, *preset.stages.left))
        lines += ["", f"Columns with the date of each stage become `StageVisit` records: {columns}."]
    if preset.constants:
        said = ", ".join(f"`{name}` is {value}" for name, value in preset.constants.items())
        lines += ["", f"Defaults without a column: {said}."]
    for rule in preset.leave_out:
        words = " or ".join(rule.words) or f"anything except {' or '.join(rule.keep)}"
        how = (
            f"begin with {' or '.join(rule.starts)}" if rule.starts else f"have {words} in {' or '.join(rule.headers)}"
        )
        rests = f" Evidence: {SEEN[rule.seen]}." if rule.seen else ""
        lines += ["", f"Rows that {how} are left out, and counted as: {rule.reason}.{rests}"]
    return "\n".join([*lines, ""])


def pages() -> dict[str, str]:
    """The text of each page, by its name within docs."""
    rows = [
        f"| [{name}]({name}.md) | {each.system}: {each.title} | {each.record or 'totals'} | {SEEN[each.seen]} |"
        for name, each in PRESETS.items()
    ]
    index = INTRODUCTION.replace("# Presets\n", f"# Presets\n\n{WRITTEN}", 1) + "\n".join([*rows, ""])
    return {"presets/index.md": index} | {f"presets/{name}.md": page(each) for name, each in PRESETS.items()}
