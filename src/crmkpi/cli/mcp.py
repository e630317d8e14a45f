"""The command `crmkpi mcp`: the KPIs of a company file as tools of the Model Context Protocol, over stdio only."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import Field

from crmkpi.cli.company import opened
from crmkpi.cli.messages import examples
from crmkpi.company.assistant import INSTRUCTIONS, Assistant, in_words_of_tools
from crmkpi.errors import CrmKpiError, MissingExtraError

__all__ = ["add_mcp", "server"]

Every = Literal["day", "week", "month", "quarter", "year"]
_EXAMPLES = """
crmkpi mcp crmkpi.toml
"""


def add_mcp(commands: Any) -> None:
    """Add the command `mcp`."""
    parser = commands.add_parser(
        "mcp",
        help="serve AI assistants over stdio (Model Context Protocol)",
        description="Serve the KPIs of a company file to AI assistants: the tables are read once; nothing is written, "
        "no query language is offered, and no text of records leaves. Needs the extra mcp.",
        allow_abbrev=False,
        **examples(_EXAMPLES),
    )
    parser.set_defaults(run=_mcp, usage=parser.error)
    parser.add_argument("company", nargs="?", metavar="FILE", help="the company file (default: crmkpi.toml)")


def _mcp(arguments: argparse.Namespace) -> None:
    file = opened(arguments)
    crm = file.dataset()
    assistant = Assistant(crm, segments=file.keys.segments, parameters=file.keys.parameters, name=file.name)
    server(assistant).run("stdio")


def server(assistant: Assistant) -> Any:
    """The MCP server with read-only tools, which return the full messages of errors."""
    try:
        made = import_module("mcp.server")
        failed = import_module("mcp.server.mcpserver.exceptions").ToolError
        hints = import_module("mcp.types").ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )
    except ImportError:
        raise MissingExtraError("The server needs mcp 2; install it with pip install 'crmkpi[mcp]'.") from None
    from crmkpi import __version__  # noqa: PLC0415  # the package stands above

    tools = made.MCPServer("crmkpi", instructions=INSTRUCTIONS, version=__version__)

    def answered(call: Callable[[], str]) -> str:
        try:
            return call()
        except CrmKpiError as error:
            raise failed(in_words_of_tools(str(error))) from None

    def tool(function: Callable[..., str]) -> None:
        tools.tool(annotations=hints, structured_output=False)(function)

    def find_kpis(query: str = "") -> str:
        """KPIs that match a query. Without a query: all, the span of the data and the fields to group by."""
        return answered(lambda: assistant.find_kpis(query))

    def explain_kpi(kpi: str) -> str:
        """The records that a KPI counts, by which date, those left out, pitfalls, variants."""
        return answered(lambda: assistant.explain_kpi(kpi))

    def measure(
        kpis: Annotated[list[str], Field(min_length=1, max_length=12)],
        period: Annotated[str, Field(description="2026-Q1, 2026-03, last month, 2026-01-01..2026-01-31")],
        every: Every | None = None,
        by: Annotated[list[str], Field(max_length=2)] | None = None,
        compare: Annotated[str, Field(description="previous, year_ago or a period")] | None = None,
    ) -> str:
        """Measure KPIs with intervals, n and reasons."""
        return answered(lambda: assistant.measure(kpis, period, every, by, compare))

    def segments(field: str) -> str:
        """The values of a field to group by."""
        return answered(lambda: assistant.segments(field))

    def check_data() -> str:
        """The faults of the data."""
        return answered(assistant.check_data)

    for function in (find_kpis, explain_kpi, measure, segments, check_data):
        tool(function)
    return tools
