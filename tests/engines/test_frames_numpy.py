"""What pandas and PyArrow are asked with NumPy, held against plain Python."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from operator import eq, lt, ne
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi.engines.frames.backends import BACKENDS
from crmkpi.engines.frames.homes.numpy_words import WORDS, Arrays

WHOLE = st.integers(-(2**61), 2**61)
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2) | st.none(), st.none() | WHOLE))


def arrays(library: str, rows: list[tuple[Any, ...]], *names: str) -> Arrays:
    types = {"word": pa.string(), "part": pa.int64(), "number": pa.int64(), "truth": pa.bool_()}
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    made = pa.table({name: pa.array(cells, types[name]) for name, cells in zip(names, columns, strict=True)})
    if library == "pandas":
        made = made.to_pandas(types_mapper=pytest.importorskip("pandas").ArrowDtype)
    return Arrays.of(BACKENDS[library], made)


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
@given(rows=ROWS)
def test_groups_add_up_exactly_however_large_the_numbers_are(library: str, rows: list[tuple[Any, ...]]) -> None:
    number = WORDS.col("number")
    frame = arrays(library, rows, "word", "part", "number").with_columns(number.squared().alias("square"))
    asked = [
        WORDS.len().alias("rows"),
        number.sum().alias("sum"),
        WORDS.col("square").sum().alias("squares"),
        number.min().alias("low"),
        number.max().alias("high"),
        number.n_unique().alias("different"),
    ]
    found = {row[:2]: row[2:] for row in frame.group_by("word", "part").agg(*asked).plain_rows()}
    groups: dict[Any, list[int | None]] = defaultdict(list)
    for word, part, value in rows:
        groups[word, part].append(value)
    for key, values in groups.items():
        there = [value for value in values if value is not None]
        ends = min(there, default=None), max(there, default=None)
        squares = sum(value * value for value in there)
        assert found.pop(key) == (len(values), sum(there), squares, *ends, len(set(values)))
    assert not found


@given(rows=st.lists(st.tuples(st.none() | st.booleans(), st.none() | st.sampled_from(["a", "b"])), min_size=1))
def test_what_is_unknown_is_neither_true_nor_false(rows: list[tuple[Any, ...]]) -> None:
    frame = arrays("pyarrow", rows, "truth", "word")

    def shown(condition: Any) -> list[Any]:
        return [row[0] for row in frame.select(condition.alias("x")).plain_rows()]

    def of(value: Any, made: Any) -> Any:
        return None if value is None else made(value)

    truth, word = WORDS.col("truth"), WORDS.col("word")
    is_a, before_b = [of(text, lambda text: text == "a") for _, text in rows], word < WORDS.lit("b")
    pairs = list(zip([truth_ for truth_, _ in rows], is_a, strict=True))
    assert shown(word == WORDS.lit("a")) == is_a == shown(word.is_in(["a", "z"])) == shown(before_b)
    assert shown(word != WORDS.lit("z")) == [of(text, lambda _: True) for _, text in rows]
    assert shown(truth & (word == WORDS.lit("a"))) == [
        False if False in pair else None if None in pair else True for pair in pairs
    ]
    assert shown(truth | (word == WORDS.lit("a"))) == [
        True if True in pair else None if None in pair else False for pair in pairs
    ]
    assert shown(~truth) == [of(value, lambda value: not value) for value, _ in rows]
    kept = [row for row in rows if row[0] is True]
    assert frame.filter(truth).select("truth", "word").plain_rows() == kept


def test_words_of_two_columns_are_compared_as_words() -> None:
    table = pa.table({"word": ["a", "b", None], "other": ["b", "b", "c"]})
    frame = Arrays.of(BACKENDS["pyarrow"], table)
    word, other = WORDS.col("word"), WORDS.col("other")
    for sign, expected in ((eq, [False, True, None]), (ne, [True, False, None]), (lt, [True, False, None])):
        assert [row[0] for row in frame.select(sign(word, other).alias("x")).plain_rows()] == expected


def test_without_numpy_the_error_says_what_to_install() -> None:
    program = """if True:
        import sys
        import pyarrow as pa
        for name in [name for name in sys.modules if name.partition(".")[0] == "numpy"]:
            del sys.modules[name]
        sys.modules["numpy"] = None
        import crmkpi as ck
        try:
            ck.win_rate(pa.table({"id": ["1"], "status": ["won"]}))
        except ck.CrmKpiError as error:
            print(error)
    """
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "NumPy" in ran.stdout
    assert "pip install 'crmkpi[frames]'" in ran.stdout
