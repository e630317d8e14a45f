"""Typed rows are read like `read_dicts` reads the same values."""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from dataclasses import make_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import ColumnError, CrmKpiError, InputError

NAMES = ("id", "status", "amount", "probability", "created_at", "expected_close_on", "owner", "deleted", "region")
ROWS = [
    (1, "won", Decimal("10.50"), 0.5, datetime(2026, 1, 5, 9), date(2026, 2, 1), "Ada", False, "north"),
    (2, "lost", None, None, datetime(2026, 1, 6), None, None, True, None),
]
DICTS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]


def kinds() -> dict[str, Any]:
    named: Any = namedtuple  # noqa: PYI024  # as drivers make them
    row_type = named("Row", NAMES)
    made: dict[str, Any] = {
        "dicts": DICTS,
        "named tuples": [row_type(*row) for row in ROWS],
        "dataclasses": [make_dataclass("Row", NAMES)(*row) for row in ROWS],
    }
    fields: Any = dict.fromkeys(NAMES, (Any, None))
    model: Any = pydantic.create_model("Row", **fields)
    made["models of pydantic"] = [model(**row) for row in DICTS]
    return made


@pytest.mark.parametrize("kind", kinds())
def test_objects_of_all_kinds_are_the_same_records(kind) -> None:
    found = ck.read_objects(kinds()[kind], record=ck.Deal)
    assert list(found) == list(ck.read_dicts(DICTS, record=ck.Deal))
    assert (found.account.used, found.account.rows) == (2, 2)
    assert dict(found[0].attributes) == {"region": "north"}


def test_rows_and_objects_of_sqlalchemy_are_records() -> None:
    sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
    orm = pytest.importorskip("sqlalchemy.orm", reason="SQLAlchemy is not installed")
    base = orm.declarative_base()
    kinds = {"id": sa.Integer, "status": sa.String, "amount": sa.Numeric(18, 2), "created_at": sa.DateTime}
    columns = {name: sa.Column(kind, primary_key=name == "id") for name, kind in kinds.items()}
    opportunity: Any = type("Opportunity", (base,), {"__tablename__": "opportunities", **columns})
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    base.metadata.create_all(engine)
    expected = [ck.Deal(id="1", status="won", amount="10.50", created_at=datetime(2026, 1, 5))]
    with orm.Session(engine) as session:
        session.add(opportunity(id=1, status="won", amount=Decimal("10.50"), created_at=datetime(2026, 1, 5)))
        session.commit()
        assert list(ck.read_objects(session.query(opportunity).all(), record=ck.Deal)) == expected
        rows = session.execute(sa.select(*opportunity.__table__.columns)).all()
        assert list(ck.read_objects(rows, record=ck.Deal)) == expected
    assert [deal.id for deal in ck.read_sql("SELECT * FROM opportunities", engine, record=ck.Deal)] == ["1"]
    with engine.connect() as connection:
        assert len(ck.read_sql("SELECT id, status FROM opportunities", connection, record=ck.Deal)) == 1
        assert not connection.in_transaction()
    engine.dispose()


cells = {
    "id": st.one_of(st.text(min_size=1, max_size=4), st.integers(0, 99), st.sampled_from([" 7", "n/a", ""])),
    "status": st.sampled_from(["won", "lost", "open", "Won", "Closed Won", "maybe", None]),
    "amount": st.one_of(
        st.none(), st.decimals(-99, 99, places=2), st.floats(), st.integers(-9, 9), st.booleans(), st.text(max_size=3)
    ),
    "probability": st.one_of(st.none(), st.floats(0, 2), st.integers(0, 2), st.decimals(0, 2)),
    "created_at": st.one_of(
        st.none(),
        st.datetimes(timezones=st.sampled_from([None, UTC])),
        st.dates(),
        st.sampled_from(["2026-01-05", "x"]),
    ),
    "deleted": st.sampled_from([None, True, False, 0, 1, "yes"]),
    "region": st.one_of(st.none(), st.text(max_size=3), st.integers(), st.booleans(), st.lists(st.integers())),
}


@pytest.mark.slow
@given(st.lists(st.fixed_dictionaries(cells), max_size=4), st.sampled_from([None, {"status": {"Closed Won": "won"}}]))
def test_what_is_read_is_what_dicts_would_give(rows, values) -> None:
    names = tuple(cells)

    def read(how: Any) -> Any:
        try:
            found = how()
        except CrmKpiError as error:
            return type(error)
        return [(deal, dict(deal.unreadable)) for deal in found], found.rejected, found.unmapped

    dicts = read(lambda: ck.read_dicts(rows, record=ck.Deal, values=values))
    tuples = [tuple(row[name] for name in names) for row in rows]
    assert read(lambda: ck.read_objects(tuples, record=ck.Deal, names=names, values=values)) == dicts


@pytest.mark.parametrize(
    "rows, message",
    [
        ("text", "must be an iterable of objects, and this is a str"),
        (7, "must be an iterable of objects, and this is a int"),
        ([(1, "won")], r"The column names of a tuple are unknown; give names=\('id'"),
        ([object()], "The column names of a object are unknown"),
        ([None], "The column names of a NoneType are unknown"),
    ],
)
def test_what_is_no_row_is_an_error(rows, message) -> None:
    with pytest.raises(InputError, match=message):
        ck.read_objects(rows, record=ck.Deal)


@pytest.mark.parametrize(
    "rows, names, message",
    [
        (
            [("1", "won")],
            ("id",),
            r"Row 1 must have a value for each of id; got \('1', 'won'\)\. Give rows of one kind",
        ),
        ([("1", "won")], ("id", "status", "owner"), "Row 1 must have a value for each of id, status, owner"),
        ([("1", "won"), ("2",)], ("id", "status"), r"Row 2 must have a value for each of id, status; got \('2',\)"),
        ([{"id": "1", "status": "won"}, ("2", "won")], None, "Row 2 must have a value for each of id, status"),
        ([{"id": "1", "status": "won"}, None], None, "Row 2 must have a value for each of id, status; got None"),
        ([("1", "won"), None], ("id", "status"), "Row 2 must have .*got None"),
        ([object()], ("id", "status"), "Row 1 must have .*got <object"),
        (["ab", "cd"], ("id", "status"), "Row 1 must have .*got 'ab'"),
        ([("1", "won")], "id", r"names= has a distinct text for each column, .*got 'id'"),
        ([("1", "won", "lost")], ("id", "status", "status"), "names= has a distinct text for each column"),
        ([("1", "won")], (1, 2), r"names= has a distinct text for each column, .*got \(1, 2\)"),
    ],
)
def test_rows_that_do_not_have_the_columns_are_an_error_that_names_the_row(rows, names, message) -> None:
    with pytest.raises(InputError, match=message):
        ck.read_objects(rows, record=ck.Deal, names=names)


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_a_frame_has_no_objects_and_the_way_out_works(library) -> None:
    module = pytest.importorskip(library)
    frame = module.DataFrame({"id": ["1"], "status": ["won"]})
    with pytest.raises(InputError, match=r"pass the DataFrame to crmkpi.table\(frame, record=crmkpi.Deal\)"):
        ck.read_objects(frame, record=ck.Deal)
    assert ck.win_rate(ck.table(frame, record=ck.Deal)).value == 1.0


def test_rows_of_a_query_are_records() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE opps(id INTEGER, stage TEXT, amount REAL)")
    connection.execute("INSERT INTO opps VALUES (1, 'Closed Won', 10.5), (2, 'Lost', NULL)")
    options: Any = {
        "record": ck.Deal,
        "columns": {"stage": "status"},
        "values": {"status": {"Closed Won": "won", "Lost": "lost"}},
    }
    deals = ck.read_sql("SELECT * FROM opps", connection, **options)
    assert [(deal.id, deal.status, deal.amount) for deal in deals] == [
        ("1", "won", Decimal("10.5")),
        ("2", "lost", None),
    ]
    with pytest.raises(ColumnError, match="two columns 'id'; rename one with AS"):
        ck.read_sql("SELECT id, id FROM opps", connection, **options)
    with pytest.raises(InputError, match="starts with DELETE"):
        ck.read_sql("DELETE FROM opps", connection, **options)
    with pytest.raises(InputError, match="a table or column has gone"):
        ck.read_sql("SELECT * FROM nowhere", connection, **options)
    connection.close()
    with pytest.raises(InputError, match="its connection is closed"):
        ck.read_sql("SELECT * FROM opps", connection, **options)
