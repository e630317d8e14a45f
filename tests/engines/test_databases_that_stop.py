"""A server whose process stops during a measurement: one sentence of ours.

Each test has its own server, and ends it by its process id.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes import sessions
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.errors import InputError

from .servers import new_mariadb, new_postgresql

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found in /proc")]
ROWS = "('1', 'won', '2026-01-12 09:00'), ('2', 'lost', '2026-01-13 09:00'), ('3', 'won', '2026-01-14 09:00')"


def _filled(url: str, **options: Any) -> Any:
    """An engine of a server with a table of deals."""
    pool = sa.create_engine(url, **options)
    with pool.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE deals(id VARCHAR(9), status VARCHAR(9), closed_at TIMESTAMP)")
        connection.exec_driver_sql(f"INSERT INTO deals VALUES {ROWS}")
    return pool


def _processes(parent: int) -> list[int]:
    """A server process and its child processes."""
    found = [parent]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, ppid = int(path.parent.name), int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            found += [name] if ppid == parent else []
    return found


def _signalled(server: Any, number: int) -> None:
    for process in _processes(server.pid):
        with suppress(ProcessLookupError):
            os.kill(process, number)


@pytest.mark.parametrize("new", [new_postgresql, new_mariadb], ids=["postgresql", "mariadb"])
def test_a_server_that_is_killed_in_the_middle_is_one_sentence(
    new: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, server = new()
    pool = _filled(url)
    deals = ck.Dataset(deals=ck.database(pool).table("deals"))
    assert deals.measure("win_rate", period="2026")[0].inputs == {"won": 2, "closed": 3}

    def kill() -> None:
        _signalled(server, signal.SIGKILL)
        server.wait(20)

    rows = Session.rows

    def kills(self: Session, text: str) -> Any:
        if "GROUP BY" in text:
            kill()
        return rows(self, text)

    monkeypatch.setattr(Session, "rows", kills)
    for _ in range(2):  # in the middle, and then before the first statement
        with pytest.raises(
            InputError, match=r"^The \w+ database cannot be read; .*(open another|no connection)"
        ) as told:
            deals.measure("win_rate", period="2026")
        assert "\n" not in str(told.value)
    assert pool.pool.checkedout() == 0  # type: ignore[attr-defined]  # of the usual pool
    pool.dispose()


@pytest.mark.parametrize("new", [new_postgresql, new_mariadb], ids=["postgresql", "mariadb"])
def test_a_server_that_stands_still_is_waited_for_and_then_answers(
    new: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, server = new()
    pool = _filled(url)
    deals = ck.Dataset(deals=ck.database(pool, timeout=60).table("deals"))
    rows = Session.rows
    stopped: list[float] = []

    def stops(self: Session, text: str) -> Any:
        if "GROUP BY" in text and not stopped:
            stopped.append(time.monotonic())
            _signalled(server, signal.SIGSTOP)
            threading.Timer(1.0, _signalled, (server, signal.SIGCONT)).start()
        return rows(self, text)

    monkeypatch.setattr(Session, "rows", stops)
    assert deals.measure("win_rate", period="2026", every="month")[0].inputs == {"won": 2, "closed": 3}
    assert stopped
    assert time.monotonic() - stopped[0] >= 1.0
    pool.dispose()


@pytest.mark.parametrize("new", [new_postgresql, new_mariadb], ids=["postgresql", "mariadb"])
def test_a_server_that_stands_still_for_too_long_is_one_sentence_and_the_engine_goes_on(
    new: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "GRACE", 0.5)
    url, server = new()
    pool = _filled(url)
    deals = ck.Dataset(deals=ck.database(pool, timeout=1).table("deals"))
    rows = Session.rows

    def stops(self: Session, text: str) -> Any:
        if "GROUP BY" in text:
            _signalled(server, signal.SIGSTOP)
            threading.Timer(4.0, _signalled, (server, signal.SIGCONT)).start()
        return rows(self, text)

    with monkeypatch.context() as patched:
        patched.setattr(Session, "rows", stops)
        begun = time.monotonic()
        with pytest.raises(InputError, match=r"did not answer within timeout=1 seconds: .* increase timeout="):
            deals.measure("win_rate", period="2026", every="month")
        assert time.monotonic() - begun < 4.0
    time.sleep(4.0 - (time.monotonic() - begun) + 0.2)
    assert deals.measure("win_rate", period="2026")[0].inputs == {"won": 2, "closed": 3}
    pool.dispose()
