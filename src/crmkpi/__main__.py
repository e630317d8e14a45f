"""`python -m crmkpi` is the command `crmkpi`."""

from __future__ import annotations

from crmkpi.cli.main import run

__all__: list[str] = []

if __name__ == "__main__":
    run()
