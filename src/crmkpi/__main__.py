"""`python -m crmkpi` is the command `crmkpi`."""

from __future__ import annotations

import sys

from crmkpi.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
