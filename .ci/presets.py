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

A preset knows the export of one system: which of its columns fills which field, what its words mean, and in which units
its numbers are. `read_csv(path, preset="hubspot_deal")` reads by one, `read_export(path)` finds out which it is, and
`scan` and `stream_csv` read large files by it, and `table(frame, preset=...)` takes a frame.
[Reading files](../reading-files.md) shows how.

What a preset rests on is said on its page, for each column, header, list of words and rule: a real file that was seen,
code that reads or writes such files, or documents alone, to which general knowledge of the system is counted. Only the
presets that rest on a real file were held against one; all else was never seen in a file. What rests on documents alone
may be wrong: if your file differs, say so with `columns=` and `values=`, and tell us.

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


def rests_on(preset: Preset, column: PresetColumn) -> str:
    """What a column rests on, and its single headers and its words where they rest on something else."""
    said = [SEEN[preset.seen_of(column)]]
    said += [f"{header}: {SEEN[seen]}" for header, seen in column.headers_seen.items()]
    if column.words_seen is not None:
        said.append(f"its words: {SEEN[column.words_seen]}")
    return "; ".join(said)


def never_seen(preset: Preset) -> list[str]:
    """What was not seen in a real file, said plainly above the columns."""
    if preset.seen == "documents":
        return [
            "",
            "Neither a real file nor code that reads or writes one was seen: all of this page rests on documents.",
        ]
    if preset.seen == "code":
        lines = ["", "No real file was seen."]
    else:
        lines = ["", "A real file was seen; of a column with several headers it has one."]
    columns = [header for column in preset.columns for header in column.headers if supposed(preset, column, header)]
    words = [column.headers[0] for column in preset.columns if column.words_seen == "documents"]
    parts = [f"the columns {', '.join(dict.fromkeys(columns))}"] if columns else []
    parts += [f"the words in {', '.join(words)}"] if words else []
    parts += ["what is said below of rows that are left out"] if any(rule.seen for rule in preset.leave_out) else []
    if preset.stages is not None and preset.stages.headers_seen:
        parts.append(f"the columns of stages {', '.join(preset.stages.headers_seen)}")
    if parts:
        lines[-1] += f" On documents alone rest {cell('; '.join(parts))}."
    return lines


def supposed(preset: Preset, column: PresetColumn, header: str) -> bool:
    """Whether a header rests on documents alone."""
    return column.headers_seen.get(header, preset.seen_of(column)) == "documents"


def page(preset: Preset) -> str:
    """The page of one preset."""
    record = f"`{preset.record}` records" if preset.record else "totals, and no records"
    lines = [
        f"# {preset.system}: {preset.title}",
        "",
        WRITTEN,
        f"`{preset.name}` reads {record}. It rests on {SEEN[preset.seen]}"
        + (f": {preset.source}." if preset.source else "."),
        *never_seen(preset),
        "",
        *[f"- {note}" for note in preset.notes],
        "",
        "| column | fills | how it is read | rests on |",
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
        lines += ["", f"Where no column says otherwise, {said}."]
    for rule in preset.leave_out:
        words = " or ".join(rule.words) or f"anything but {' or '.join(rule.keep)}"
        how = (
            f"begin with {' or '.join(rule.starts)}" if rule.starts else f"have {words} in {' or '.join(rule.headers)}"
        )
        rests = f" That rests on {SEEN[rule.seen]}." if rule.seen else ""
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
