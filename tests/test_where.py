"""A filtered dataset equals the dataset of the same records picked by hand, on every engine."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.demo import sample_company
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

COMPANY = sample_company(scale=0.05)
OFFICE = ck.Calendar("Europe/Berlin", opening_hours={"mon-fri": ("09:00", "17:00")})
SETTINGS: dict[str, Any] = {"currency": "EUR", "rates": {"CHF": "1.05"}, "as_of": "2026-09-30", "calendar": OFFICE}
ASKED: dict[str, Any] = {"period": "2026-Q3", "compare": "previous"}
PARAMETERS = {"hourly_rate": 30, "market_revenue": 1_000_000, "quota": 10_000, "lifespan": 1000, "discount": 0.1}


def field_of(table: str) -> str:
    """The most discriminating field of a table, among those with few values."""
    fields = record_type(RECORDS[table]).fields.items()
    names = [name for name, known in fields if known.kind in ("text", "choice") and not name.endswith("id")]
    values = {name: Counter(getattr(record, name) for record in COMPANY[table]) for name in names}
    found = {name: len(known) for name, known in values.items() if 1 < len(known - Counter({None: 9**9})) < 40}
    return max(found, key=lambda name: (found[name], name))


FIELDS = {table: field_of(table) for table in COMPANY}
ONE_TABLE = [metric for metric in ck.catalogue.everything() if len(metric.tables) == 1]


def chosen(table: str, name: str) -> tuple[Any, ...]:
    values = Counter(getattr(record, name) for record in COMPANY[table])
    return tuple(value for value, _ in values.most_common(2))


def evidence(result: ck.Result) -> tuple[Any, ...]:
    change = result.change
    told = None if change is None else (change.absolute, change.interval, change.p_value)
    return (result.value, result.reason, result.inputs, result.n, result.interval, result.accounts, told)


@pytest.mark.parametrize("metric", ONE_TABLE, ids=lambda metric: metric.id)
def test_narrowed_records_give_what_picked_records_give(metric: ck.Metric) -> None:
    (table,) = metric.tables
    name = FIELDS[table]
    values = chosen(table, name)
    picked = {**COMPANY, table: [record for record in COMPANY[table] if getattr(record, name) in values]}
    parameters = {each: PARAMETERS[each] for each in metric.parameters if each in PARAMETERS}
    undated = metric.at is None and not all(measure.at or measure.is_stock for measure in metric.measures.values())
    asked = ({} if undated else ASKED) | {"parameters": parameters}
    narrowed = ck.Dataset(**COMPANY, **SETTINGS).where({name: list(values)}).measure(metric, **asked)
    expected = ck.Dataset(**picked, **SETTINGS).measure(metric, **asked)
    assert list(map(evidence, narrowed)) == list(map(evidence, expected))


@pytest.mark.parametrize("library", ["polars", "duckdb"])
@pytest.mark.parametrize("name", ["win_rate", "average_deal_size", "sales_cycle_length.median", "pipeline_value"])
def test_frames_are_narrowed_where_they_lie(library: str, name: str) -> None:
    pytest.importorskip(library)
    import polars as pl  # noqa: PLC0415  # only where it is tested

    fields = [name for name in record_type(ck.Deal).fields if name != "attributes"]
    rows = [{name: getattr(record, name) for name in fields} for record in COMPANY["deals"]]
    frame: Any = pl.DataFrame(rows, infer_schema_length=None)
    if library == "duckdb":
        import duckdb  # noqa: PLC0415

        connection = duckdb.connect()
        connection.register("rows", frame.to_arrow())
        frame = connection.table("rows")
    asked: dict[str, Any] = {"period": "2026", "every": "quarter", "by": "source"}
    wanted = {"owner": list(chosen("deals", "owner"))}
    found = ck.Dataset(deals=frame, **SETTINGS).where(wanted).measure(name, **asked)
    expected = ck.Dataset(deals=COMPANY["deals"], **SETTINGS).where(wanted).measure(name, **asked)
    assert [evidence(one)[:5] for one in found] == [evidence(one)[:5] for one in expected]
    assert found.title == expected.title


def test_a_field_that_is_narrowed_may_be_grouped_by() -> None:
    first, second = chosen("deals", "owner")
    crm = ck.Dataset(**COMPANY, **SETTINGS)
    found = crm.where(owner=[first, second]).measure("win_rate", by="owner")
    expected = [one for one in crm.measure("win_rate", by="owner") if one.segment["owner"] in (first, second)]
    assert list(map(evidence, found)) == list(map(evidence, expected))


def test_fields_of_related_records_and_several_fields_narrow() -> None:
    crm = ck.Dataset(**COMPANY, **SETTINGS)
    industry = crm.measure("deal_volume", by="customer.industry")[0].segment["customer.industry"]
    of_industry = crm.measure("deal_volume", by=["customer.industry", "kind"])
    expected = sum(one.value for one in of_industry if one.segment == {"customer.industry": industry, "kind": "new"})
    assert crm.where({"customer.industry": industry}, kind="new").measure("deal_volume")[0].value == expected
    assert ck.deal_volume(crm.where({"customer.industry": industry}).where(kind="new")).value == expected


def test_none_are_the_records_without_a_value() -> None:
    deals = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost", owner="Ada")]
    assert ck.win_rate(ck.Dataset(deals=deals).where(owner=None)).inputs == {"won": 1, "closed": 1}


def test_a_record_whose_field_cannot_be_read_stays_in_the_account() -> None:
    text = "id,status,kind\n" + "".join(f"{n},won,new\n" for n in range(60)) + "a,won,neww\nb,won,renewal\n"
    deals = ck.read_csv(io.StringIO(text), record=ck.Deal)
    found = ck.win_rate(ck.Dataset(deals=deals).where(kind="new"))
    assert (found.inputs, found.left_out) == ({"won": 60, "closed": 60}, {"kind unreadable": 1})
    grouped = ck.Dataset(deals=deals).measure("win_rate", by="kind").get("win_rate", kind="new")
    assert found.left_out == grouped.left_out


def test_a_scorecard_of_a_narrowed_dataset_names_what_it_cannot_narrow() -> None:
    card = ck.Dataset(**COMPANY, **SETTINGS).where(owner=chosen("deals", "owner")[0]).scorecard(period="2026-Q3")
    assert "win_rate" in {one.definition for one in card}
    assert any(note.startswith("not measured for lack of owner in tickets: ") for note in card.notes)
    assert card.title == f"2026-Q3, owner {chosen('deals', 'owner')[0]}"


def test_records_of_one_id_are_told_of_the_records_that_are_left() -> None:
    deals = [
        *(ck.Deal(id=str(n), status="won", owner="Ada" if n % 2 else "Bo") for n in range(6)),
        ck.Deal(id="1", status="won", owner="Ada"),
        ck.Deal(id="2", status="lost", owner="Bo"),
    ]
    for owner in ("Ada", "Bo"):
        found = ck.win_rate(ck.Dataset(deals=deals).where(owner=owner))
        expected = ck.win_rate([deal for deal in deals if deal.owner == owner])
        assert (found.value, found.reason is None, found.left_out) == (
            expected.value,
            expected.reason is None,
            expected.left_out,
        )


DEALS = [ck.Deal(id="1", status="won", owner="Ada", customer_id="C")]
WRONG = {
    "an unknown value": (
        lambda: ck.Dataset(deals=DEALS).where(owner="Adda").measure("win_rate"),
        UnknownNameError,
        r"No record has 'Adda' as its owner\. Did you mean 'Ada'\?",
    ),
    "an unknown field": (
        lambda: ck.Dataset(deals=DEALS).where(ownr="Ada").measure("win_rate"),
        UnknownNameError,
        r"where\(\) cannot narrow win_rate: there is no ownr in deals\. Measure it on the whole dataset, or",
    ),
    "a field that nobody has": (
        lambda: ck.Dataset(deals=DEALS).where(source="web").measure("win_rate"),
        InputError,
        r"where\(source=\.\.\.\) leaves nothing of deals: no record there has a value for source\.",
    ),
    "no value": (lambda: ck.Dataset(deals=DEALS).where(owner=[]), InputError, "names one value or several; got none"),
    "a function": (
        lambda: ck.Dataset(deals=DEALS).where(owner=str),
        InputError,
        r"where\(owner=\.\.\.\) names values, such as owner='North' or .*; got <class 'str'>\.",
    ),
    "the same field twice": (
        lambda: ck.Dataset(deals=DEALS).where(owner="Ada").where(owner="Bo"),
        InputError,
        r"where\(\) narrows 'owner' twice; give all of its values in one list\.",
    ),
    "a check of a part": (
        lambda: ck.Dataset(deals=DEALS).where(owner="Ada").check(),
        InputError,
        r"check\(\) looks at whole tables, and this dataset is narrowed to owner Ada; call it on the dataset before",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_narrowing_is_refused_in_one_sentence(name: str) -> None:
    ask, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        ask()


def test_a_column_that_fills_no_field_is_reached_as_the_error_says() -> None:
    deals = [ck.Deal(id="1", status="won", attributes={"Region": "North"}), ck.Deal(id="2", status="lost")]
    crm = ck.Dataset(deals=deals)
    with pytest.raises(ck.errors.UnknownNameError, match=r"is where\(\{'attributes.NAME': ...\}\)"):
        crm.where(Region="North").measure("win_rate")
    assert crm.where({"attributes.Region": "North"}).measure("win_rate")[0].value == 1
