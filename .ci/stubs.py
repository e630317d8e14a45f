"""Write type stubs: of the package and its themes from the names in `crmkpi/_names.py`, and of the record classes.

A record takes texts for dates and numbers and keeps them as what they are, which no dataclass can say of itself.

python .ci/stubs.py            writes them; tests/test_public_names.py holds that they are written
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from crmkpi._names import KPIS, MODULES, NAMES, PUBLIC, SUBMODULES, theme

PACKAGE = Path(__file__).parents[1] / "src" / "crmkpi"
HEAD = "# Written by `python .ci/stubs.py`; do not edit.\n"


def imports(names: dict[str, str], package: str) -> Iterable[str]:
    """An import statement for each module."""
    for module in sorted(set(names.values())):
        listed = ", ".join(f"{name} as {name}" for name in names if names[name] == module)
        yield f"from {package}.{module} import {listed}"  # without `as`, jedi treats a name in a stub as private


def module_import(name: str, home: str) -> str:
    """The statement that re-exports a module from the package, in the form that type checkers recognise."""
    package, _, module = f"crmkpi.{home}".rpartition(".")
    return f"from {package} import {module} as {name}"


def root() -> str:
    """The stub of `crmkpi`."""
    homes = NAMES | {name: f"metrics.{home}" for name, home in KPIS.items()}
    modules = [module_import(name, home) for name, home in (MODULES | SUBMODULES).items()]
    return "\n".join([*imports(homes, "crmkpi"), *modules, "", f"__all__ = {PUBLIC}", "__version__: str", ""])


def of_theme(name: str) -> str:
    """The stub of the package of a theme."""
    names = theme(f"crmkpi.metrics.{name}")
    return "\n".join([*imports(names, f"crmkpi.metrics.{name}"), "", f"__all__ = {sorted(names)}", ""])


# The annotations of a record field: its stored type, and the types that the constructor accepts.
KINDS = {
    "Timestamp": ("datetime", "datetime | date | str"),
    "Planned": ("datetime", "datetime | date | str"),
    "Day": ("date", "date | str"),
    "Money": ("Decimal", "Decimal | float | str"),
    "Number": ("float", "Decimal | float | str"),
    "Whole": ("int", "int | str"),
    "Attributes": ("Mapping[str, Any]", "Mapping[str, Any]"),
}


def of_record(text: str) -> str:
    """The stub of a module with a record class: its constants, the stored fields and the constructor arguments."""
    lines = ["from collections.abc import Mapping", "from dataclasses import dataclass"]
    lines += ["from datetime import date, datetime", "from decimal import Decimal", "from typing import Any, Literal"]
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign):
            lines.append(ast.unparse(node))
        elif isinstance(node, ast.AnnAssign):
            lines.append(f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}")
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            kept, given = [], ["self", "*"]
            for field in fields:
                name, (kind, *missing) = ast.unparse(field.target), ast.unparse(field.annotation).split(" | ")
                holds, takes = KINDS.get(kind, (kind, kind))
                kept.append(f"    {name}: {' | '.join([holds, *missing])}" + (" = ..." if field.value else ""))
                given.append(f"{name}: {' | '.join([takes, *missing])}" + (" = ..." if field.value else ""))
            lines += ["@dataclass(frozen=True, kw_only=True, init=False)", f"class {node.name}:", *kept]
            lines.append(f"    def __init__({', '.join(given)}) -> None: ...")
    return "\n".join([*lines, ""])


def formatted(text: str, path: Path) -> str:
    """The text after the linter and the formatter."""
    for command in (("check", "--select=I,F401", "--fix", "--quiet"), ("format", "--quiet")):
        ran = [sys.executable, "-m", "ruff", *command, f"--stdin-filename={path}", "-"]
        text = subprocess.run(ran, input=text, capture_output=True, text=True, check=True).stdout
    return text


def stubs() -> dict[Path, str]:
    """The text of every stub by its path."""
    texts = {PACKAGE / "metrics" / name / "__init__.pyi": of_theme(name) for name in themes()}
    texts[PACKAGE / "__init__.pyi"] = root()
    for path in sorted((PACKAGE / "records").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "\n@record(" in text:
            texts[path.with_suffix(".pyi")] = of_record(text)
    return {path: HEAD + formatted(text, path) for path, text in texts.items()}


def themes() -> list[str]:
    """The theme folders of the KPIs."""
    return sorted({home.partition(".")[0] for home in KPIS.values()})


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")
