"""The mutants of a module: its syntax tree with one small change in each, decorators and their arguments included.

Excluded are texts (docstrings, messages, titles), types, `__all__`, the arguments of `@dataclass` and `@lru_cache`, and
assertions (`assert`, and `strict` of `zip`).
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

PROSE = {"also_known_as", "default_because", "sources", "theme", "title"}
LEFT_ALONE = {*PROSE, "strict"}
UNCHANGED = {"annotation", "format_spec", "pattern", "returns"}
DECLARATIONS = {"Literal", "TypeVar", "cast", "dataclass", "field", "get_args", "lru_cache", "overload", "Generic"}
SWAPPED: dict[type[Any], tuple[type[Any], ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
NAMES = {
    "any": "all", "all": "any", "min": "max", "max": "min", "floor": "round", "present": "missing",
    "missing": "present", "start": "end", "end": "start", "mean": "median", "median": "mean", "previous": "year_ago",
    "year_ago": "previous", "wall_start": "wall_end", "wall_end": "wall_start", "sum": "max", "distinct": "count",
}  # fmt: skip
Change = tuple[ast.AST, str, str]


@dataclass(frozen=True)
class Mutant:
    """One change: the node `holder.field` (at `place`, if it is a list) becomes `replacement`."""

    module: str
    key: str
    line: int
    holder: ast.AST
    field: str
    place: int | None
    replacement: ast.AST

    @property
    def name(self) -> str:
        """The key without the module, unique within it."""
        return f"{self.module} {self.key}"

    def apply(self) -> None:
        """Apply the change to the tree."""
        if self.place is None:
            setattr(self.holder, self.field, self.replacement)
        else:
            getattr(self.holder, self.field)[self.place] = self.replacement


@dataclass(frozen=True)
class Words:
    """Replacements of a name: `fields` of the tables in a module, and `choices` of exclusive values."""

    fields: Mapping[str, Mapping[str, str]]
    choices: Sequence[Sequence[str]]

    def other(self, word: str) -> str:
        """Another value of the first choice that contains this one."""
        for choice in self.choices:
            if word in choice:
                return choice[(choice.index(word) + 1) % len(choice)]
        return f"{word}_"


def mutants(module: str, tree: ast.Module, words: Words) -> list[Mutant]:
    """All mutants, each with a key that stays the same when other lines of the module change."""
    found: list[Mutant] = []
    seen: Counter[str] = Counter()

    def visit(node: ast.AST, scope: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            scope = f"{scope}.{node.name}" if scope else node.name
        for name, value in ast.iter_fields(node):
            if name in UNCHANGED:
                continue
            for place, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST) or _is_unchanged(child, node):
                    continue
                for replacement, was, now in _changes(child, node, name, words):
                    text = " ".join(f"{scope or 'module'}: {was} -> {now}".split())
                    seen[text] += 1
                    key = text if seen[text] == 1 else f"{text} ({seen[text]})"
                    line = getattr(child, "lineno", getattr(node, "lineno", 0))
                    ast.copy_location(replacement, child)
                    found.append(Mutant(module, key, line, node, name, place, replacement))
                visit(child, scope)

    visit(tree, "")
    return found


def _is_unchanged(node: ast.AST, holder: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Raise() | ast.Assert() | ast.Expr(ast.Constant()):
            return True
        case ast.Assign([ast.Name("__all__" | "__slots__" | "msg")]) | ast.If(ast.Name("TYPE_CHECKING")):
            return True
        case ast.Call(ast.Name(name)) | ast.Subscript(ast.Name(name)) | ast.Name(name) if name in DECLARATIONS:
            return True
        case ast.Constant(str()) if isinstance(holder, ast.JoinedStr):
            return True
        case ast.keyword(name) if name in LEFT_ALONE:
            return True
        case ast.Assign([ast.Name(name)], ast.BinOp(op=ast.BitOr()) | ast.Subscript()) if isinstance(
            holder, ast.Module
        ):
            return name[0].isupper()  # another name for a type
    return False


def _changes(node: ast.AST, holder: ast.AST, name: str, words: Words) -> Iterator[Change]:
    """The replacements of a node, each with the old and the new text."""
    yield from _statements(node)
    yield from _conditions(node)
    yield from _parts(node, holder)
    match node:
        case ast.Constant(value):
            yield from _constants(node, value, holder, words)
        case ast.Attribute(ast.Name(table), field) if field in words.fields.get(table, {}):
            yield _whole(node, _with(node, attr=words.fields[table][field]))
        case ast.Attribute(_, field) if field in NAMES:
            yield _whole(node, _with(node, attr=NAMES[field]))
        case ast.Name(known) if known in NAMES and isinstance(holder, ast.Call) and name == "func":
            yield _whole(node, _with(node, id=NAMES[known]))
        case ast.BinOp(left, sign, right) if type(sign) in SWAPPED:
            yield from (_whole(node, ast.BinOp(left, swapped(), right)) for swapped in SWAPPED[type(sign)])
            if isinstance(sign, ast.BitAnd | ast.BitOr):
                yield from (_whole(node, side) for side in (left, right))
        case ast.UnaryOp(ast.Not() | ast.Invert() | ast.USub(), inner):
            yield _whole(node, inner)


def _statements(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.AugAssign(target, sign, value) if type(sign) in SWAPPED:
            yield _whole(node, ast.AugAssign(target, SWAPPED[type(sign)][0](), value))
            yield _whole(node, ast.Pass())
        case ast.If(test) | ast.While(test):
            for certain in (True, False) if isinstance(node, ast.If) else (False,):
                yield _with(node, test=ast.Constant(certain)), f"if {_text(test)}", f"if {certain}"
        case ast.Return(ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield _whole(node, ast.Return(ast.Constant(None)))
        case ast.Expr(ast.Call()) | ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield _whole(node, ast.Pass())
        case ast.Continue():
            yield _whole(node, ast.Break())
        case ast.Break():
            yield _whole(node, ast.Continue())
        case ast.Match(cases=cases):
            for rest, gone in _without(cases):
                if rest:
                    yield _with(node, cases=rest), f"case {_text(gone.pattern)}", "no such case"


def _conditions(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(left, operators, others):
            for number, sign in enumerate(operators):
                for swapped in SWAPPED[type(sign)]:
                    ops = [*operators[:number], swapped(), *operators[number + 1 :]]
                    yield _whole(node, ast.Compare(left, ops, others))
        case ast.BoolOp(sign, values):
            yield _whole(node, ast.BoolOp(SWAPPED[type(sign)][0](), values))
            for rest, gone in _without(values):
                yield _whole(node, rest[0] if len(rest) == 1 else ast.BoolOp(sign, rest), f"without {_text(gone)}")
        case ast.IfExp(_, body, orelse):
            yield from (_whole(node, side) for side in (body, orelse))
        case ast.comprehension(ifs=ifs):
            yield from ((_with(node, ifs=rest), f"if {_text(gone)}", "always") for rest, gone in _without(ifs))
        case ast.match_case(guard=ast.expr() as guard):
            yield _with(node, guard=None), f"case if {_text(guard)}", "always"


def _parts(node: ast.AST, holder: ast.AST) -> Iterator[Change]:
    """A call, a dictionary or a collection of values without one of its parts."""
    match node:
        case ast.Call():
            yield from _calls(node)
        case ast.Dict(keys, values):
            for number, (key, value) in enumerate(zip(keys, values, strict=True)):
                rest = ast.Dict(keys[:number] + keys[number + 1 :], values[:number] + values[number + 1 :])
                yield rest, f"{_text(key) if key else '**'}: {_text(value)}", "no such entry"
        case ast.Tuple(elements) | ast.Set(elements) if isinstance(holder, ast.Compare):
            for rest, gone in _without(elements):
                yield _with(node, elts=rest), f"{_text(gone)} in {_text(node)}", "no such element"


def _constants(node: ast.Constant, value: Any, holder: ast.AST, words: Words) -> Iterator[Change]:
    if isinstance(value, bool):
        yield _whole(node, ast.Constant(not value))
    elif isinstance(value, int | float):
        yield _whole(node, ast.Constant(value + 1))
    elif isinstance(value, str) and value.isidentifier() and not isinstance(holder, ast.Dict):
        yield _whole(node, ast.Constant(words.other(value)))


def _calls(node: ast.Call) -> Iterator[Change]:
    """A call without one of its arguments: a keyword, an option of `is_in`, or the last argument."""
    name = _text(node.func)
    for rest, gone in _without(node.keywords):
        if gone.arg is not None and gone.arg not in LEFT_ALONE:
            yield _with(node, keywords=rest), f"{name}({gone.arg}={_text(gone.value)})", "no such argument"
    if len(node.args) > 1 or (node.args and name.endswith((".count", ".previous"))):
        every = name.endswith(".is_in")
        for rest, gone in _without(node.args) if every else [(node.args[:-1], node.args[-1])]:
            yield _with(node, args=rest), f"{name}({_text(gone)})", "no such argument"


def _without(parts: Sequence[Any]) -> Iterable[tuple[list[Any], Any]]:
    for number, gone in enumerate(parts):
        yield [*parts[:number], *parts[number + 1 :]], gone


def _with(node: ast.AST, **changed: Any) -> ast.AST:
    made = copy(node)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def _whole(node: ast.AST, replacement: ast.AST, told: str | None = None) -> Change:
    return replacement, _text(node), told or _text(replacement)


def _text(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(copy(node)))
