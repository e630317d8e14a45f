"""Read files into records, without guessing and without losing rows; and write them back to CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkpi._lazy import loader

if TYPE_CHECKING:
    from crmkpi.sources.account import LoadAccount, Recognised
    from crmkpi.sources.csv_files import read_csv
    from crmkpi.sources.dicts import read_dicts
    from crmkpi.sources.excel_files import read_excel
    from crmkpi.sources.exports import read_export
    from crmkpi.sources.joining import join_leads
    from crmkpi.sources.json_files import read_json
    from crmkpi.sources.loaded import Records, Rejected
    from crmkpi.sources.streams import RecordStream, stream_csv
    from crmkpi.sources.writing import write_csv

__all__ = [
    "LoadAccount",
    "Recognised",
    "RecordStream",
    "Records",
    "Rejected",
    "join_leads",
    "read_csv",
    "read_dicts",
    "read_excel",
    "read_export",
    "read_json",
    "stream_csv",
    "write_csv",
]

_load = loader(
    __name__,
    {
        "LoadAccount": "account",
        "Recognised": "account",
        "RecordStream": "streams",
        "Records": "loaded",
        "Rejected": "loaded",
        "join_leads": "joining",
        "read_csv": "csv_files",
        "read_dicts": "dicts",
        "read_excel": "excel_files",
        "read_export": "exports",
        "read_json": "json_files",
        "stream_csv": "streams",
        "write_csv": "writing",
    },
)

if not TYPE_CHECKING:
    __getattr__ = _load
