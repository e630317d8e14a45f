"""Frames are measured in place: lazily, in files, in a database, in a cluster."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from crmkpi import Dataset, Deal, average_deal_size, database, read_csv, scan, table, win_rate
from crmkpi.demo import sample_company
from crmkpi.engines.frames.backends import BACKENDS, support_table
from crmkpi.engines.frames.homes.duckdb import DuckDbHome
from crmkpi.engines.frames.homes.polars import PolarsHome
from crmkpi.errors import FileFormatError, InputError
from crmkpi.records.base import record_type

from .backends import _sqlite as sqlite_table
from .backends import arrow_of

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")
pl = pytest.importorskip("polars", reason="Polars is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="PyArrow is not installed")


@pytest.fixture(scope="module")
def deals():
    return sample_company(0.05)["deals"]


@pytest.fixture(scope="module")
def arrow(deals):
    return arrow_of(deals, record_type(Deal))


def test_the_sql_of_a_report_gives_its_counts(arrow):
    connection = duckdb.connect()
    connection.register("arrived", arrow)
    connection.execute("CREATE TABLE opportunities AS FROM arrived")
    report = Dataset(deals=connection.table("opportunities")).measure(win_rate)
    rows = connection.sql(report.sql().rstrip(";\n")).fetchall()
    assert report[0].inputs["won"] in rows[0]
    assert report[0].inputs["closed"] in rows[0]


QUESTION = {"metrics": ["win_rate", "sales_cycle_length.median"], "by": "owner", "period": "2026"}


def test_the_sql_of_a_report_is_every_statement_that_sqlite_was_sent(arrow):
    connection = sqlite3.connect(":memory:")
    sqlite_table(arrow, connection, "opportunities")
    sent: list[str] = []
    connection.set_trace_callback(sent.append)
    report = Dataset(deals=database(connection).table("opportunities")).measure(**QUESTION)
    asked = [text for text in sent if "opportunities" in text and not text.startswith("PRAGMA")]
    assert len(asked) > 1
    assert report.sql() == ";\n\n".join(asked) + ";\n"


def test_the_sql_of_a_report_is_every_statement_that_duckdb_was_sent(arrow, monkeypatch):
    connection = duckdb.connect()
    connection.register("arrived", arrow)
    connection.execute("CREATE TABLE opportunities AS FROM arrived")
    asked: list[object] = []
    leave = DuckDbHome.leave

    def watched(self, frame):
        asked.append(frame)
        return leave(self, frame)

    monkeypatch.setattr(DuckDbHome, "leave", watched)
    report = Dataset(deals=connection.table("opportunities")).measure(**QUESTION)
    listed = report.sql().split(";\n")[:-1]
    assert len(asked) == len(listed)
    for text in listed:
        connection.sql(text).fetchall()  # each can be run by itself
    again = Dataset(deals=connection.table("opportunities")).measure(**QUESTION)
    assert again.sql() == report.sql()


def test_a_report_without_a_database_has_no_sql_and_no_plan(arrow):
    report = Dataset(deals=pl.from_arrow(arrow)).measure(win_rate)
    with pytest.raises(InputError, match="The report has no SQL"):
        report.sql()
    with pytest.raises(InputError, match="The report has no plan: none of its tables is in Spark"):
        report.plan()


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_many_parquet_files_are_one_table(tmp_path, arrow, deals, engine):
    half = arrow.num_rows // 2
    for number, part in enumerate((arrow[:half], arrow[half:])):
        parquet.write_table(part, tmp_path / f"deals-{number}.parquet")
    scanned = scan(tmp_path / "deals-*.parquet", record=Deal, engine=engine)
    assert win_rate(scanned).inputs == win_rate(deals).inputs


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_csv_file_is_a_table(tmp_path, engine):
    path = tmp_path / "deals.csv"
    path.write_text("id,status,closed_at,amount\n1,won,2026-01-05 10:00:00,10.25\n2,lost,2026-01-06 11:00:00,\n")
    scanned = scan(path, record=Deal, engine=engine)
    assert win_rate(scanned, period="2026-01").value == 0.5
    assert str(average_deal_size(scanned).value) == "10.25"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"found no file .*none.parquet"):
        scan(tmp_path / "none.parquet", record=Deal)


def test_another_kind_of_file_is_refused():
    with pytest.raises(FileFormatError, match=r"reads Parquet and CSV files; got 'deals.xlsx'"):
        scan("deals.xlsx", record=Deal)


def test_a_measure_collects_no_more_rows_than_groups(arrow, monkeypatch):
    collected = []

    def noted(_, frame):
        collected.append(frame.collect().rows())
        return collected[-1]

    monkeypatch.setattr(PolarsHome, "leave", noted)
    report = Dataset(deals=pl.from_arrow(arrow).lazy()).measure(win_rate, by="owner", period="2026", every="month")
    owners = {result.segment["owner"] for result in report}
    assert 0 < sum(map(len, collected)) <= len(owners) * (12 + 2)


def test_a_frame_is_never_changed():
    frame = pd.DataFrame(
        {"id": ["1"], "status": ["won"], "closed_at": [datetime(2026, 1, 1)], "amount": [1.5]}, index=[7]
    )
    before = frame.copy(deep=True)
    Dataset(deals=frame).measure([win_rate, average_deal_size], period="2026", by="owner")
    pd.testing.assert_frame_equal(frame, before)


def test_a_frame_of_another_table_is_refused(arrow):
    with pytest.raises(InputError, match="'leads' was given a frame of deals"):
        Dataset(leads=table(arrow, record=Deal))


def test_libraries_that_were_found_wrong_are_refused_in_words():
    class Frame:
        """A stand-in for a Dask frame."""

    Frame.__module__ = "dask.dataframe"
    with pytest.raises(InputError, match="A dask frame is not measured: it drops conditions"):
        Dataset(deals=Frame())


def test_the_support_table_has_a_line_for_each_library():
    lines = support_table().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {name}" for name in BACKENDS]
    assert [line.endswith("| no |") for line in lines[2:]] == [not each.tested for each in BACKENDS.values()]
    assert len({line.count("|") for line in lines}) == 1


def test_the_documentation_shows_the_support_table_of_the_code():
    page = Path(__file__).parents[2] / "docs" / "frames.md"
    assert support_table() in page.read_text(encoding="utf-8")


def test_one_dataset_in_duckdb_answers_in_many_threads():
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE deals AS SELECT i::VARCHAR AS id, CASE WHEN i % 3 = 0 THEN 'won' ELSE 'lost' END AS status, "
        "'o' || (i % 7) AS owner FROM range(3000) AS t(i)"
    )
    crm = Dataset(deals=connection.table("deals"))
    with ThreadPoolExecutor(8) as pool:
        answers = set(
            pool.map(lambda number: str(crm.measure(win_rate, by="owner" if number % 2 else None)), range(64))
        )
    assert answers == {str(crm.measure(win_rate)), str(crm.measure(win_rate, by="owner"))}


def test_rows_that_come_and_go_under_a_dataset_are_noticed():
    connection = duckdb.connect()
    connection.execute("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status, 'Ada' AS owner")
    frame = pd.DataFrame({"id": ["1"], "status": ["won"], "owner": ["Ada"]})
    for data, grow in (
        (connection.table("deals"), lambda: connection.execute("INSERT INTO deals VALUES ('2', 'lost', 'Bo')")),
        (frame, lambda: frame.loc.__setitem__(1, ["2", "lost", "Bo"])),
    ):
        crm = Dataset(deals=data)
        assert [found.segment["owner"] for found in crm.measure(win_rate, by="owner")] == ["Ada"]
        grow()
        report = crm.measure(win_rate, by="owner")
        assert [(found.segment["owner"], found.accounts[0].given, found.accounts[0].used) for found in report] == [
            ("Ada", 1, 1),
            ("Bo", 1, 1),
        ]


def test_a_frame_of_a_preset_whose_rows_changed_is_refused():
    frame = pd.DataFrame({"Id": ["1", "2"], "StageName": ["Closed Won", "Closed Lost"], "IsWon": [True, False]})
    deals = table(frame, preset="salesforce_opportunity")
    assert win_rate(deals).inputs == {"won": 1, "closed": 2}
    frame.loc[2] = ["3", "Closed Won", True]
    with pytest.raises(InputError, match=r"has 3 rows, and had others when crmkpi.table.* read it"):
        win_rate(deals)


@pytest.mark.parametrize("shape", ["table", "view", "query", "filter"])
def test_values_that_change_in_a_table_of_duckdb_are_measured_as_they_are(shape):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE own(id VARCHAR, status VARCHAR, owner VARCHAR, amount DECIMAL(18, 2))")
    connection.execute("CREATE VIEW seen AS SELECT * FROM own")
    connection.execute("INSERT INTO own VALUES ('1', 'won', 'Ada', 1), ('2', 'won', 'Bo', 2)")
    shapes = {
        "table": lambda: connection.table("own"),
        "view": lambda: connection.table("seen"),
        "query": lambda: connection.sql("SELECT * FROM own"),
        "filter": lambda: connection.table("own").filter("id <> ''"),
    }
    crm = Dataset(deals=shapes[shape](), currency="EUR")

    def revenues(data):
        return {result.segment["owner"]: result.value for result in data.measure("revenue", by="owner")}

    assert revenues(crm) == {"Ada": 1, "Bo": 2}
    connection.execute("UPDATE own SET owner = 'Cy', amount = 123456789012345.67 WHERE id = '1'")
    assert revenues(crm) == revenues(Dataset(deals=shapes[shape](), currency="EUR"))
    assert revenues(crm) == {"Bo": 2, "Cy": Decimal("123456789012345.67")}
    connection.execute("UPDATE own SET amount = NULL, owner = NULL WHERE id = '2'")
    assert revenues(crm) == {None: None, "Cy": Decimal("123456789012345.67")}


@pytest.mark.parametrize(
    ("cells", "in_place"),
    [
        (("won", "10.25", "2026-01-05"), True),
        (("Won", "10.25", "2026-01-05"), False),
        (("won", "ten", "2026-01-05"), False),
        (("won", "10.25", "05/13/2026"), False),
        ((" won", "10.25", "2026-01-05"), False),
    ],
)
def test_duckdb_reads_a_plain_file_from_where_it_lies_and_keeps_ids_as_they_are(tmp_path, cells, in_place):
    path = tmp_path / "deals.csv"
    path.write_text(f"id,status,amount,closed_at,Note\n007,{','.join(cells)},1.0\n008,lost,,2026-01-06,\n")
    scanned = scan(path, record=Deal, engine="duckdb")
    assert (scanned.columns["id"] == "id") is in_place
    read = read_csv(path, record=Deal)
    for name in ("win_rate", "average_deal_size"):
        mine = Dataset(deals=read).measure(name, by="id")
        assert mine == Dataset(deals=scanned).measure(name, by="id")
    assert [one.segment["id"] for one in mine] == ["007", "008"]


def test_a_choice_that_the_reader_could_not_read_is_left_out_in_duckdb(tmp_path):
    path = tmp_path / "deals.csv"
    path.write_text("id,status,kind,amount,closed_at\n1,won,?,5,25.01.2026\n2,won,expansion,7,26.01.2026\n")
    crm = Dataset(deals=scan(path, record=Deal, engine="duckdb"), currency="EUR", most_unreadable=1)
    for name in ("expansion_revenue", "win_rate"):
        mine = Dataset(deals=read_csv(path, record=Deal), currency="EUR", most_unreadable=1).measure(name)
        assert crm.measure(name) == mine
    assert crm.measure("expansion_revenue")[0].value == 7


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_an_empty_cell_between_quotes_is_nothing(tmp_path, engine):
    path = tmp_path / "deals.csv"
    path.write_text('id,status,owner\n1,won,""\n2,lost,"Ada"\n')
    found = Dataset(deals=scan(path, record=Deal, engine=engine)).measure(win_rate, by="owner")
    assert {one.segment["owner"]: one.value for one in found} == {None: 1.0, "Ada": 0.0}
