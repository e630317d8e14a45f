"""Maximum likelihood by Newton's method in the logarithms of the parameters: deterministic and without exceptions.

Small or odd data often have their maximum at infinity (all customers alike, nobody ever lost). Such a fit ends at a
bound and `Fit.weaknesses` says so, instead of failing or of returning a number that looks reliable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite, log, sqrt

__all__ = ["Derivatives", "Fit", "Optimum", "maximise", "maximise_from", "summary"]

Matrix = list[list[float]]
Derivatives = tuple[float, list[float], Matrix]
"""A log-likelihood, its gradient and its Hessian in the parameters themselves."""

_LONGEST_STEP = 2.0
_SHORT, _LITTLE, _NOTHING = 2e-5, 1e-6, 1e-11
_IDLE = 4
_STRONG = 1e4


@dataclass(frozen=True, slots=True)
class Fit:
    """The precision with which the data determine the parameters of a model.

    `covariance` is that of the logarithms of the parameters, `None` where the likelihood is flat; `weaknesses` are the
    reasons not to interpret single parameters. Predictions within the observed range may still be good.
    """

    log_likelihood: float
    standard_errors: tuple[float, ...] | None
    covariance: tuple[tuple[float, ...], ...] | None
    customers: int
    left_out: int = 0
    weaknesses: tuple[str, ...] = ()

    @property
    def weakly_identified(self) -> bool:
        """Whether other parameters would describe the data about as well."""
        return bool(self.weaknesses)


@dataclass(frozen=True, slots=True)
class Optimum:
    """The result of the search."""

    parameters: tuple[float, ...]
    in_scale: tuple[float, ...]
    value: float
    information: Matrix
    converged: bool


def maximise(
    objective: Callable[[Sequence[float]], Derivatives],
    start: Sequence[float],
    *,
    scales: Sequence[float] | None = None,
    lowest: float = 1e-10,
    highest: float = 1e10,
    steps: int = 200,
) -> Optimum:
    """The parameters, all above zero, at which `objective` is greatest; the search stays between the bounds.

    `start` and the bounds are in multiples of `scales`, so that the unit of time or money does not matter.
    """
    low, high = log(lowest), log(highest)
    sizes = scales or [1.0] * len(start)
    at = [log(value) for value in start]
    value, gradient, information = _in_logs(objective, at, sizes)
    damping, idle, converged = 0.0, 0, False
    for _ in range(steps):
        free = [
            i
            for i, slope in enumerate(gradient)
            if not (at[i] <= low and slope < 0) and not (at[i] >= high and slope > 0)
        ]
        step = _step(gradient, information, free, damping)
        gain = sum(slope * move for slope, move in zip(gradient, step, strict=True))
        longest = max(map(abs, step))
        # Stop the whole step at a bound: parameters diverge together, and stopping only one would leave the ridge.
        room = min([1.0, *(((high if move > 0 else low) - at[i]) / move for i, move in enumerate(step) if move)])
        share = room if room > _SHORT else 1.0
        there = [min(max(place + share * move, low), high) for place, move in zip(at, step, strict=True)]
        # Near the maximum Newton's step squares the error, so another evaluation is not needed.
        if damping == 0.0 and (gain < _NOTHING or (gain < _LITTLE and longest < _SHORT)):
            at, value, converged = (there, value + gain / 2, True) if longest < _SHORT else (at, value, True)
            break
        new_value, new_gradient, new_information = _in_logs(objective, there, sizes)
        if new_value >= value - 1e-13 * abs(value):
            idle = idle + 1 if new_value - value < _NOTHING else 0
            at, value, gradient, information = there, new_value, new_gradient, new_information
            damping = 0.0
        else:
            idle += gain < _LITTLE
            damping = max(10 * damping, 1e-3 * max(abs(information[i][i]) for i in free))
        if idle == _IDLE:  # a plateau: further steps change less than rounding does
            converged = True
            break
    parameters = tuple(exp(place) * size for place, size in zip(at, sizes, strict=True))
    return Optimum(parameters, tuple(map(exp, at)), value, information, converged)


def maximise_from(
    objective: Callable[[Sequence[float]], Derivatives],
    starts: Sequence[Sequence[float]],
    *,
    scales: Sequence[float] | None = None,
) -> Optimum:
    """`maximise` from the first of `starts`; if that diverges, the best result from all of them.

    A likelihood may rise towards several bounds at once, all customers alike or all at the extremes.
    """
    first = maximise(objective, starts[0], scales=scales)
    if all(1 / _STRONG < value < _STRONG for value in first.in_scale):
        return first
    others = [maximise(objective, start, scales=scales) for start in starts[1:]]
    return max([first, *others], key=lambda optimum: optimum.value)


def _in_logs(
    objective: Callable[[Sequence[float]], Derivatives], at: Sequence[float], scales: Sequence[float]
) -> Derivatives:
    """The value, the gradient and minus the Hessian in the logarithms; NaN counts as -infinity."""
    parameters = [exp(place) * scale for place, scale in zip(at, scales, strict=True)]
    try:
        value, slopes, curvature = objective(parameters)
    except (OverflowError, ZeroDivisionError, ValueError):
        value, slopes, curvature = -inf, [], []
    size = len(parameters)
    if not isfinite(value):
        return -inf, [0.0] * size, [[0.0] * size for _ in range(size)]
    gradient = [parameter * slope for parameter, slope in zip(parameters, slopes, strict=True)]
    information = [
        [-parameters[i] * parameters[j] * curvature[i][j] - (gradient[i] if i == j else 0.0) for j in range(size)]
        for i in range(size)
    ]
    return value, gradient, information


def _step(gradient: Sequence[float], information: Matrix, free: Sequence[int], damping: float) -> list[float]:
    """Newton's step over the parameters that are not at a bound; it ascends even where the likelihood is convex.

    Along each axis of the curvature the step is slope / |curvature|, and never longer than `_LONGEST_STEP`.
    """
    step = [0.0] * len(gradient)
    if free:
        values, axes = _eigen([[information[i][j] for j in free] for i in free])
        for value, axis in zip(values, axes, strict=True):
            slope = sum(part * gradient[i] for part, i in zip(axis, free, strict=True))
            steepness = abs(value) + damping
            move = slope / steepness if steepness * _LONGEST_STEP > abs(slope) else (slope > 0) - (slope < 0)
            move = max(-_LONGEST_STEP, min(_LONGEST_STEP, move))
            for part, i in zip(axis, free, strict=True):
                step[i] += move * part
    return step


def _eigen(matrix: Matrix) -> tuple[list[float], Matrix]:
    """The eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations."""
    size = len(matrix)
    work = [list(row) for row in matrix]
    axes = [[float(i == j) for j in range(size)] for i in range(size)]
    for _ in range(50):
        if sum(abs(work[i][j]) for i in range(size) for j in range(i)) == 0:
            break
        for i in range(size):
            for j in range(i):
                if abs(work[j][i]) > 1e-18 * sqrt(abs(work[i][i] * work[j][j])):
                    _rotate(work, axes, j, i)
                work[i][j] = work[j][i] = 0.0
    return [work[i][i] for i in range(size)], axes


def _rotate(work: Matrix, axes: Matrix, i: int, j: int) -> None:
    """Rotate the axes i and j so that their off-diagonal element becomes zero."""
    ratio = (work[j][j] - work[i][i]) / (2 * work[i][j])
    tangent = (1 if ratio >= 0 else -1) / (abs(ratio) + sqrt(1 + ratio * ratio))
    cosine = 1 / sqrt(1 + tangent * tangent)
    sine = tangent * cosine
    for row in work:
        row[i], row[j] = cosine * row[i] - sine * row[j], sine * row[i] + cosine * row[j]
    for rows in (work, axes):
        first, second = rows[i], rows[j]
        rows[i] = [cosine * a - sine * b for a, b in zip(first, second, strict=True)]
        rows[j] = [sine * a + cosine * b for a, b in zip(first, second, strict=True)]


def summary(
    optimum: Optimum,
    names: Sequence[str],
    *,
    customers: int,
    left_out: int = 0,
) -> Fit:
    """The summary of an optimum: the standard error of each parameter, and warnings."""
    size = range(len(names))
    values, axes = _eigen(optimum.information)
    known = min(values) > 1e-12 * max(values) > 0
    columns = (
        [[sum(axis[i] * axis[j] / value for value, axis in zip(values, axes, strict=True)) for i in size] for j in size]
        if known
        else None
    )
    weaknesses = [
        f"{name} runs to {'infinity' if value > _STRONG else 'zero'}"
        for name, value in zip(names, optimum.in_scale, strict=True)
        if not 1 / _STRONG < value < _STRONG
    ]
    if columns is None:
        weaknesses.append("the likelihood is flat in some direction")
    else:
        weaknesses += [
            f"{name} is uncertain by more than a factor of seven" for i, name in enumerate(names) if columns[i][i] > 4.0
        ]
    if not optimum.converged:
        weaknesses.append("the search did not settle")
    errors = None
    if columns is not None:
        errors = tuple(value * sqrt(columns[i][i]) for i, value in enumerate(optimum.parameters))
    covariance = tuple(tuple(column) for column in columns) if columns is not None else None
    return Fit(optimum.value, errors, covariance, customers, left_out, tuple(weaknesses))
