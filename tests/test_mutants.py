"""The mutants of .ci/mutation.py: included and excluded changes."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

PATH = Path(__file__).parents[1] / ".ci" / "mutants.py"


@pytest.fixture(scope="module")
def tool() -> Any:
    if not PATH.exists():
        pytest.skip("a source distribution has no .ci folder")
    spec = importlib.util.spec_from_file_location("mutants", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # dataclasses look up the module of a class here
    spec.loader.exec_module(module)
    return module


def changes(tool: Any, source: str) -> dict[str, str]:
    """The source with each mutant in place, by the mutant's key."""
    words = tool.Words({"deals": {"closed_at": "created_at", "status": "kind"}}, [("open", "won", "lost")])
    found = {}
    keys = [one.key for one in tool.mutants("m", ast.parse(dedent(source)), words)]
    for number, key in enumerate(keys):
        tree = ast.parse(dedent(source))
        tool.mutants("m", tree, words)[number].apply()
        found[key] = ast.unparse(ast.fix_missing_locations(tree))
    assert len(found) == len(keys)
    return found


DEFINITION = '''
    @metric(at=deals.closed_at, won=deals.count(deals.status == "won"), leave_out={"deleted": deals.deleted},
            title="Win rate", also_known_as=("close rate",))
    def win_rate(won: int) -> float:
        """How many were won."""
        return won
'''


@pytest.mark.parametrize(
    "changed",
    [
        "at=deals.created_at",
        "deals.count(deals.kind == 'won')",
        "deals.count(deals.status == 'lost')",
        "deals.count(deals.status != 'won')",
        "deals.count()",
        "leave_out={}",
        "return None",
    ],
)
def test_what_a_decorator_is_given_is_changed_like_all_other_code(tool: Any, changed: str) -> None:
    assert any(changed in source for source in changes(tool, DEFINITION).values())


@pytest.mark.parametrize("argument", ["at=", "won=", "leave_out="])
def test_a_definition_loses_each_of_its_arguments_in_turn(tool: Any, argument: str) -> None:
    assert any(argument not in source for source in changes(tool, DEFINITION).values())


def test_words_for_people_types_and_exports_are_left_alone(tool: Any) -> None:
    source = '''
        """A module."""
        __all__ = ["Kind"]
        Kind = Literal["open", "won"]

        def same(number: int | None = None) -> str:
            """The same."""
            if number:
                raise ValueError(f"{number + 1} is wrong")
            return f"{number} is right"
    '''
    assert list(changes(tool, source)) == [
        "same: if number -> if True",
        "same: if number -> if False",
        "same: return f'{number} is right' -> return None",
    ]
    titles = ("title='Win rate'", "also_known_as=('close rate',)")
    assert all(title in source for title in titles for source in changes(tool, DEFINITION).values())


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("0 <= a < 9", {"0 < a < 9", "0 > a < 9", "0 <= a <= 9", "0 <= a >= 9", "1 <= a < 9", "0 <= a < 10"}),
        ("a and b", {"a or b", "a", "b"}),
        ("a & b", {"a | b", "a", "b"}),
        ("not a", {"a"}),
        ("x if a else y", {"x", "y"}),
        ("[x for x in a if x]", {"[x for x in a]"}),
        ("a in ('won', 'x')", {"a not in ('won', 'x')", "a in ('x',)", "a in ('won',)", "a in ('lost', 'x')"} | {
            "a in ('won', 'x_')"
        }),
        ("f(a, b, c=d)", {"f(a, c=d)", "f(a, b)"}),
        ("a.is_in(b, c)", {"a.is_in(b)", "a.is_in(c)"}),
        ("max(a)", {"min(a)"}),
        ("zip(a, b, strict=True)", {"zip(a, strict=True)"}),
        ("a.previous()", {"a.year_ago()"}),
        ("True", {"False"}),
    ],
)  # fmt: skip
def test_an_expression_becomes_what_it_could_be_mistaken_for(tool: Any, source: str, mutated: set[str]) -> None:
    assert {found.removeprefix("y = ") for found in changes(tool, f"y = {source}").values()} == mutated


def test_a_key_does_not_change_with_lines_elsewhere_and_repetitions_are_numbered(tool: Any) -> None:
    def of_second(source: str) -> list[str]:
        return [key for key in changes(tool, source) if key.startswith("second")]

    second = "\ndef second(a):\n    return a + a * (a + a)\n"
    assert of_second(f"def first(a):\n    return a - 1\n{second}") == of_second(second)
    assert "second: a + a -> a - a" in of_second(second)
    twice = "def second(a):\n    return f(a < 1, a < 1)\n"
    assert {"second: a < 1 -> a <= 1", "second: a < 1 -> a <= 1 (2)"} <= set(of_second(twice))
