"""Database servers for tests: each with its own data folder on a free port, ended by its process id.

The first test that needs a server starts it; it stops when the tests end. Collation and session zone are odd on
purpose, to reveal figures that depend on them.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from crmkpi.engines.frames.homes.sessions import Session

PASSWORD = "very-secret-word"  # noqa: S105  # of a server that lives for the tests
ZONE = "America/New_York"


def program(name: str) -> str | None:
    """The path of a program, also in Debian's folder for PostgreSQL."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(places[0]) if places else shutil.which(name)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def as_user(name: str, command: Sequence[str], folder: Path) -> list[str]:
    """The command, run as an unprivileged user if the tests run as root: servers refuse to run as root."""
    if os.geteuid() != 0:
        return list(command)
    try:
        known = pwd.getpwnam(name)
    except KeyError:
        known = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, known.pw_uid, known.pw_gid)
    return ["setpriv", f"--reuid={known.pw_uid}", f"--regid={known.pw_gid}", "--clear-groups", "--", *command]


def started(command: Sequence[str], folder: Path, answers: Callable[[], bool], *, stop: int) -> subprocess.Popen[bytes]:
    """Start a server, wait until it answers, and stop it when the tests end."""
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder)

    def end() -> None:
        if server.poll() is None:
            server.send_signal(stop)
            with suppress(subprocess.TimeoutExpired):
                server.wait(20)
        if server.poll() is None:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    for _ in range(600):
        if server.poll() is not None or answers():
            break
        time.sleep(0.05)
    if server.poll() is not None:
        raise RuntimeError(f"the server ended at once: {log.read_text(errors='replace')[-2000:]}")
    return server


def lacking(*modules: str) -> str | None:
    """The first of these modules that is not installed."""
    return next((name for name in modules if find_spec(name) is None), None)


def postgresql() -> str:
    """The URL of a PostgreSQL server, or a skip that says what is not installed.

    `CRMKPI_POSTGRESQL` names one that runs already; it is set here too, since this module may be loaded twice.
    """
    if url := os.environ.get("CRMKPI_POSTGRESQL"):
        return url
    url, _ = new_postgresql()
    os.environ["CRMKPI_POSTGRESQL"] = url
    return url


def new_postgresql() -> tuple[str, subprocess.Popen[bytes]]:
    """The URL of a separate PostgreSQL server, and its process, or a skip."""
    if why := no_postgresql():
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="crmkpi-postgresql-"))
    data, secret = folder / "data", folder / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
    made = [str(program("initdb")), "-D", str(data), "-U", "crm", f"--pwfile={secret}", "--auth=scram-sha-256"]
    subprocess.run(
        as_user("postgres", [*made, "--no-sync", *locale], folder), check=True, capture_output=True, cwd=folder
    )
    port = free_port()
    settings = {
        "fsync": "off",
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "timezone": ZONE,
        "unix_socket_directories": str(folder),
        "max_connections": "60",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = as_user("postgres", [str(program("postgres")), "-D", str(data), *options], folder)
    url = f"postgresql+psycopg://crm:{PASSWORD}@127.0.0.1:{port}/postgres"

    def answers() -> bool:
        import psycopg  # noqa: PLC0415  # only where there is a server

        with suppress(psycopg.Error):
            psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5).close()
            return True
        return False

    return url, started(command, folder, answers, stop=signal.SIGINT)


def mariadb() -> str:
    """The URL of a MariaDB server, or a skip that names the missing program; `CRMKPI_MARIADB` names a running one."""
    if url := os.environ.get("CRMKPI_MARIADB"):
        return url
    url, _ = new_mariadb()
    os.environ["CRMKPI_MARIADB"] = url
    return url


def new_mariadb() -> tuple[str, subprocess.Popen[bytes]]:
    """The URL of a separate MariaDB server, and its process, or a skip."""
    if why := no_mariadb():
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="crmkpi-mariadb-"))
    data, port = folder / "data", free_port()
    made = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
    prepared = as_user("mysql", [*made, f"--datadir={data}"], folder)
    subprocess.run(prepared, check=True, capture_output=True, cwd=folder)
    settings = {
        "bind-address": "127.0.0.1",
        "character-set-server": "utf8mb4",
        "collation-server": "utf8mb4_general_ci",  # Ada, ada and Ädä are one
        "datadir": str(data),
        "tmpdir": str(folder),  # a starting server removes other servers' temporary tables from a shared folder
        "default-time-zone": "-05:00",
        "innodb-flush-log-at-trx-commit": "0",
        "port": str(port),
        "socket": str(folder / "socket"),
        "pid-file": str(folder / "pid"),
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    command = as_user("mysql", [str(mariadbd()), "--no-defaults", *options], folder)

    def connected(user: str, password: str, **more: Any) -> Any:
        import pymysql  # noqa: PLC0415  # only where there is a server

        return pymysql.connect(host="127.0.0.1", port=port, user=user, password=password, **more)

    def answers() -> bool:
        with suppress(OSError, RuntimeError, Exception):
            connected("root", "").close()
            return True
        return False

    process = started(command, folder, answers, stop=signal.SIGTERM)
    with connected("root", "") as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE crm")
        cursor.execute(f"CREATE USER crm@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
        cursor.execute("GRANT ALL ON *.* TO crm@'127.0.0.1'")
    return f"mysql+pymysql://crm:{PASSWORD}@127.0.0.1:{port}/crm?charset=utf8mb4", process


@cache
def clickhouse() -> Any:
    """A connection to in-process ClickHouse, with an odd zone on purpose, or a skip."""
    if missing := lacking("chdb"):
        pytest.skip(f"{missing} is not installed")
    import chdb  # noqa: PLC0415  # only where it is tested

    made = chdb.connect(":memory:")
    made.query(f"SET session_timezone = '{ZONE}'")
    return made


@cache
def clickhouse_server() -> str:
    """The HTTP URL of in-process ClickHouse, with the protocol that drivers use."""
    if missing := lacking("sqlalchemy", "clickhouse_connect"):
        pytest.skip(f"{missing} is not installed")
    connection, alone = clickhouse(), Lock()

    class Answers(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

        def do_GET(self) -> None:
            self.answer(200, b"Ok.\n")

        def do_POST(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query))
            text = asked.get("query", "") + self.rfile.read(int(self.headers["Content-Length"])).decode()
            text, _, format_ = text.partition("FORMAT ")
            with alone:
                try:
                    found = connection.query(text, format_.strip() or "TabSeparated").bytes()
                except RuntimeError as error:
                    self.answer(500, str(error).encode())
                else:
                    self.answer(200, found)

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(server.shutdown)
    return f"clickhousedb://crm:{PASSWORD}@127.0.0.1:{server.server_port}/default"


def mariadbd() -> str | None:
    return next(
        (place for place in ("/usr/sbin/mariadbd", shutil.which("mariadbd")) if place and Path(place).exists()), None
    )


def no_mariadb() -> str | None:
    """The reason why no MariaDB server can be started, or None."""
    if missing := lacking("sqlalchemy", "pymysql"):
        return f"{missing} is not installed"
    if os.name != "posix" or not (mariadbd() and shutil.which("mariadb-install-db")):
        return "MariaDB is not installed: apt-get install mariadb-server"
    return None


@cache
def engine(url: str) -> Any:
    """One engine for all tests on a server."""
    import sqlalchemy as sa  # noqa: PLC0415  # only where there is a server

    return sa.create_engine(url)


def no_postgresql() -> str | None:
    """The reason why no PostgreSQL server can be started, or None."""
    if missing := lacking("sqlalchemy", "psycopg"):
        return f"{missing} is not installed"
    if os.name != "posix" or not (program("initdb") and program("postgres")):
        return "PostgreSQL is not installed: apt-get install postgresql"
    return None


def after_statements(
    monkeypatch: pytest.MonkeyPatch, concerns: Callable[[str], bool], does: Callable[[], Any]
) -> list[str]:
    """Call a function after each relevant statement; return these statements."""
    asked: list[str] = []
    rows = Session.rows

    def noted(self: Session, text: str) -> Any:
        found = rows(self, text)
        if concerns(text):
            asked.append(text)
            does()
        return found

    monkeypatch.setattr(Session, "rows", noted)
    return asked
