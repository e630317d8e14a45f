"""Run mutants in forks of a process that has imported the library and collected the tests.

Replacing the code of a function that has not run yet is equivalent to importing the library with the mutant, and takes
no time. `mutation.py` imports the library again for all other mutants. Only the tests that call the function run, the
fastest first.
"""

from __future__ import annotations

import functools
import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import accumulate, groupby
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

NEW_IMPORT = 99  # exit status of a fork whose mutant needs a new import
Function = tuple[str, str, int]  # its file, name and line


class Quick:
    """A pytest plugin that disables hypothesis' shrinking: nobody reads the failures."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Run after the tests' own configuration, which loads a profile."""
        phases = (Phase.explicit, Phase.reuse, Phase.generate)
        settings.register_profile("mutation", settings.get_profile("quick"), phases=phases)
        settings.load_profile("mutation")


class Nursery(Quick):
    """A pytest plugin that collects tests, records the functions that each test calls, and then runs `work`."""

    def __init__(self, work: Callable[[Nursery], None], patience: float) -> None:
        """`work` runs after all calls are recorded; `failing` are tests that fail without a mutant."""
        self.work = work
        self.patience = patience
        self.costs: dict[str, float] = {}
        self.failing: list[str] = []
        self.callers: dict[Function, list[pytest.Item]] = {}
        self.imported: set[Function] = set()
        self._in_setup: set[Function] | None = None
        self._in_call: set[Function] = set()
        self._called = 0.0
        sys.settrace(noting(self.imported))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Observe the tests of each file in a process of its own, so that they leave no state in this one."""
        sys.settrace(None)
        for _, listed in groupby(session.items, key=lambda item: item.path):
            items = list(listed)
            observed, failing = in_a_child(functools.partial(self._observe, items))
            self.failing += failing
            for item, (seconds, functions) in zip(items, observed, strict=True):
                self.costs[item.nodeid] = seconds
                for function in functions:
                    self.callers.setdefault(function, []).append(item)
        for callers in self.callers.values():
            callers.sort(key=lambda item: self.costs[item.nodeid])
        self.work(self)
        return True

    def _observe(self, items: list[pytest.Item]) -> tuple[list[tuple[float, set[Function]]], list[str]]:
        """The time and calls of each test of a file, and the failures; a shared fixture's calls count for all tests."""
        self._in_setup = set()
        found, failing, longest, forget = [], [], 0.0, _caches()
        for item, following in followed(items):
            forget()
            self._in_call = set()
            begin = self._called = time.process_time()
            if not passes(item, following):
                failing.append(item.nodeid)
            longest = max(longest, self._called - begin)
            found.append((time.process_time() - self._called, self._in_call))
        return [(seconds + longest, functions | self._in_setup) for seconds, functions in found], failing

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Record the calls of fixtures."""
        if self._in_setup is not None:
            sys.settrace(noting(self._in_setup))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """Record the calls of the test."""
        self._called = time.process_time()
        if self._in_setup is not None:
            sys.settrace(noting(self._in_call))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Stop recording."""
        sys.settrace(None)

    def concerned(self, function: Function) -> list[pytest.Item]:
        """The tests that call a function, as many as fit into `patience`."""
        callers = self.callers.get(function, [])
        taken = accumulate(self.costs[item.nodeid] for item in callers)
        return [item for item, until in zip(callers, taken, strict=True) if until <= self.patience]

    def start(self, code: CodeType, change: Callable[[], CodeType], seconds: int) -> int:
        """Run a mutant in a fork and return its process id; `code` is the module's, `change` returns the mutant's."""
        process = os.fork()
        if process:
            return process
        try:
            limit(seconds)
            changed = changed_function(code, change())
            if changed is None or function_of(changed[0]) in self.imported or not replace(*changed):
                os._exit(NEW_IMPORT)
            concerned = self.concerned(function_of(changed[0]))
            os._exit(not all(passes(item, following) for item, following in followed(concerned)))
        except BaseException:  # noqa: BLE001  # any exception kills the mutant
            os._exit(70)


def in_a_child(work: Callable[[], Any]) -> Any:
    """The result of `work`, run in a child process, so that its imports and changes leave no trace here."""
    import multiprocessing  # noqa: PLC0415

    context = multiprocessing.get_context("fork")
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=lambda: writing.send(work()))
    process.start()
    writing.close()
    found = reading.recv()
    process.join()
    return found


def limit(seconds: int) -> None:
    """Limit the resources of this process, and silence it."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    signal.alarm(10 * seconds)  # for a mutant that waits forever
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)


def noting(found: set[Function]) -> Callable[[FrameType, str, Any], None]:
    """A tracer that records the functions called."""
    known: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code not in known:
            known.add(frame.f_code)
            found.add(function_of(frame.f_code))

    return note


def function_of(code: CodeType) -> Function:
    """The identity of a function."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


def followed(items: list[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """Each test with its successor, which pytest needs to decide which fixtures to keep."""
    return zip(items, [*items[1:], None], strict=True)


def passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run one test."""
    return all(not report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def changed_function(code: CodeType, mutated: CodeType) -> tuple[CodeType, CodeType] | None:
    """The one top-level function that a mutant changes, before and after; None if it changes more."""
    pairs = list(zip(inner(code), inner(mutated), strict=False))
    if outer(code) != outer(mutated):
        return None
    changed = [(one, other) for one, other in pairs if one != other]
    if len(changed) != 1:
        return None
    one, other = changed[0]
    is_function = one.co_flags & 0x2  # CO_NEWLOCALS: set for functions, not for classes
    return (one, other) if is_function else changed_function(one, other)


def inner(code: CodeType) -> list[CodeType]:
    """The functions and classes directly in a code object."""
    return [part for part in code.co_consts if isinstance(part, CodeType)]


def outer(code: CodeType) -> tuple[Any, ...]:
    """A code object without its nested code objects."""
    rest = [repr(part) for part in code.co_consts if not isinstance(part, CodeType)]
    return code.co_code, rest, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, len(inner(code))


def replace(code: CodeType, mutated: CodeType) -> bool:
    """Replace the code of a function wherever it is referenced; False if that is impossible."""
    known = function_of(code)
    found = [one for one in gc.get_objects() if isinstance(one, FunctionType) and function_of(one.__code__) == known]
    if not found or code.co_freevars != mutated.co_freevars:
        return False
    for function in found:
        function.__code__ = mutated
    return True


def _caches() -> Callable[[], None]:
    """The functions that clear the library's caches, so that each test is seen to call what it needs."""
    from crmkpi.measuring import asking  # noqa: PLC0415

    cached = type(functools.cache(len))
    own = [one for one in gc.get_objects() if isinstance(one, cached) and str(one.__module__).startswith("crmkpi")]

    def forget() -> None:
        asking._PLANS.clear()  # noqa: SLF001
        for one in own:
            one.cache_clear()

    return forget
