"""Forecasts of short series: a shrunken season, and the mean of Theta and a damped trend.

`seasonal` estimates how the months of a year differ, weighted by how far the years agree. `exponential`, `theta` and
`damped` forecast the deseasonalised series, each with the standard deviation of its errors over the horizon.
`forecast_values` combines them. Only the standard library is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

from crmkpi.statistics.distributions import normal_quantile

__all__ = [
    "Fitted",
    "Forecasted",
    "Season",
    "centred_average",
    "damped",
    "exponential",
    "forecast_values",
    "half_widths",
    "seasonal",
    "seasonal_index",
    "theta",
]

LEVEL_ONLY_BELOW = 15  # a trend over one year of months is noise
THETA_ONLY_BELOW = 24
_ALPHA = (1e-4, 0.9999)
_PHI = (0.8, 0.98)
_STARTS = [
    (alpha, share, phi)
    for alpha in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
    for share in (0.02, 0.1, 0.3, 0.6, 0.9)  # of alpha, which is beta
    for phi in (0.8, 0.86, 0.92, 0.98)
]
_GOLDEN = (sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Season:
    """The seasonal index of a year: factors around 1, or with `additive` amounts around 0.

    `weight` is the applied share of the index, from 0 (the years do not agree) to 1.
    """

    index: tuple[float, ...]
    weight: float
    additive: bool

    def of(self, number: int) -> float:
        """The factor or amount of the value with that number, counted from the first of the series."""
        return self.index[number % len(self.index)]

    def removed(self, values: Sequence[float], first: int = 0) -> list[float]:
        """Deseasonalised values; `first` is the number of the first of them."""
        if self.additive:
            return [value - self.of(first + number) for number, value in enumerate(values)]
        return [value / self.of(first + number) for number, value in enumerate(values)]

    def restored(self, values: Sequence[float], first: int) -> list[float]:
        """Values with the season added back; `first` is the number of the first of them."""
        if self.additive:
            return [value + self.of(first + number) for number, value in enumerate(values)]
        return [value * self.of(first + number) for number, value in enumerate(values)]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A method's forecasts, and the standard deviation of their errors over the horizon."""

    values: tuple[float, ...]
    deviations: tuple[float, ...]
    parameters: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Forecasted:
    """Forecasts with the season added back; `deviations` are those of their errors, before widening."""

    values: tuple[float, ...]
    deviations: tuple[float, ...]
    method: str
    season: Season | None


def centred_average(values: Sequence[float], length: int) -> list[float]:
    """The mean over a year around each value, with both ends halved for an even length; shorter by a year in all.

    >>> centred_average([1, 2, 3, 4, 5, 6], 4)
    [3.0, 4.0]
    """
    half = length // 2
    found = []
    for middle in range(half, len(values) - half):
        total = sum(values[middle - half : middle + half + 1])
        if length % 2 == 0:
            total -= (values[middle - half] + values[middle + half]) / 2
        found.append(total / length)
    return found


def seasonal_index(values: Sequence[float], length: int, *, additive: bool = False) -> list[float]:
    """The seasonal index of the classical decomposition, from values with a whole year around them."""
    average = centred_average(values, length)
    half = length // 2
    ratios = [
        (number % length, values[number] - middle if additive else values[number] / middle)
        for number, middle in enumerate(average, half)
    ]
    return _normalised(
        [_mean([ratio for place, ratio in ratios if place == season]) for season in range(length)], additive=additive
    )


def seasonal(values: Sequence[float], length: int, *, additive: bool | None = None) -> Season:
    """The seasonal index, shrunk towards no season by how much the years disagree.

    The centred average is extended flat to both ends, so that every value has a ratio. With v the variance within the
    seasons and k values of each, V = v · mean(1/k) is the variance of the index by chance, and A its observed variance;
    the weight is 1 - V/A, at least 0.

    >>> found = seasonal([10, 20, 30, 20] * 3, 4)
    >>> [round(index, 2) for index in found.index], found.weight > 0.9
    ([0.5, 1.0, 1.5, 1.0], True)
    """
    if additive is None:
        additive = min(values) <= 0
    average = centred_average(values, length)
    half = length // 2
    wide = [average[0]] * half + average + [average[-1]] * (len(values) - half - len(average))
    ratios = [value - middle if additive else value / middle for value, middle in zip(values, wide, strict=True)]
    groups = [ratios[season::length] for season in range(length)]
    means = [_mean(group) for group in groups]
    index = _normalised(means, additive=additive)
    neutral = 0.0 if additive else 1.0
    degrees = len(values) - length
    between = sum((one - neutral) ** 2 for one in index) / (length - 1)
    within = sum((ratio - mean) ** 2 for group, mean in zip(groups, means, strict=True) for ratio in group)
    if not between:
        weight = 0.0
    elif degrees < length / 2:
        weight = 0.5
    else:
        chance = within / degrees * _mean([1 / len(group) for group in groups])
        weight = max(0.0, 1 - chance / between)
    return Season(tuple(neutral + weight * (one - neutral) for one in index), weight, additive)


def exponential(values: Sequence[float], horizon: int) -> Fitted:
    """Simple exponential smoothing of the level; the first level and alpha are fitted by least squares.

    >>> found = exponential([445, 453, 462, 471, 463, 480, 492, 483, 501], 1)
    >>> round(found.values[0], 1), round(found.parameters[0], 2)
    (499.2, 0.9)
    """
    alpha = _least(lambda weight: _smoothed(values, weight)[0], *_ALPHA)
    first = _smoothed(values, alpha)[1]
    level, _, errors = _traced(values, alpha, 0.0, 1.0, first, 0.0)
    sigma = _sigma(errors)
    spreads = tuple(sigma * sqrt(1 + step * alpha * alpha) for step in range(horizon))
    return Fitted((level,) * horizon, spreads, (alpha, first), tuple(errors))


def theta(values: Sequence[float], horizon: int) -> Fitted:
    """Theta: exponential smoothing of the level, with half the slope of the regression line as drift.

    >>> found = theta([445, 453, 462, 471, 463, 480, 492, 483, 501], 3)
    >>> [round(value, 1) for value in found.values]
    [502.8, 506.0, 509.2]
    """
    level = exponential(values, horizon)
    alpha = level.parameters[0]
    count = len(values)
    middle = (count - 1) / 2
    slope = sum((number - middle) * value for number, value in enumerate(values)) / sum(
        (number - middle) ** 2 for number in range(count)
    )
    begun = (1 - (1 - alpha) ** count) / alpha
    found = tuple(value + slope / 2 * (step + begun) for step, value in enumerate(level.values))
    return Fitted(found, level.deviations, (*level.parameters, slope / 2), level.errors)


def damped(values: Sequence[float], horizon: int) -> Fitted:
    """Damped trend: exponential smoothing of level and trend, the trend damped by 0.80 to 0.98 per step."""

    def loss(point: Sequence[float]) -> float:
        return _trended(values, *_within(point))[0]

    start = min(_STARTS, key=loss)  # the loss has several minima: the search begins at the best point of a grid
    alpha, beta, phi = _within(_nelder_mead(loss, start)[1])
    _, first, slope = _trended(values, alpha, beta, phi)
    level, trend, errors = _traced(values, alpha, beta, phi, first, slope)
    sigma = _sigma(errors)
    found, deviations = [], []
    faded, growth, variance = 0.0, phi, 1.0
    for _ in range(horizon):
        faded += growth
        found.append(level + faded * trend)
        deviations.append(sigma * sqrt(variance))
        variance += (alpha + beta * faded) ** 2
        growth *= phi
    return Fitted(tuple(found), tuple(deviations), (alpha, beta, phi), tuple(errors))


def forecast_values(
    values: Sequence[float], horizon: int, *, season: int | None = None, additive: bool | None = None
) -> Forecasted:
    """Forecast the next values of a series by methods that suit its length.

    Below 15 values the forecast is the level alone, below 24 (unless they are quarters) Theta, from there on the mean
    of Theta and a damped trend. A season is estimated from two full years on.
    """
    found = None
    plain = list(values)
    if season is not None and len(values) >= 2 * season:
        found = seasonal(values, season, additive=additive)
        if found.weight and (found.additive or min(found.index) > 0):
            plain = found.removed(values)
        else:
            found = Season(found.index, 0.0, found.additive)
    if len(values) < LEVEL_ONLY_BELOW:
        fits, method = [exponential(plain, horizon)], "level"
    elif len(values) < THETA_ONLY_BELOW and season != 4:
        fits, method = [theta(plain, horizon)], "theta"
    else:
        fits, method = [theta(plain, horizon), damped(plain, horizon)], "theta and damped trend"
    mean = [_mean([fit.values[step] for fit in fits]) for step in range(horizon)]
    spread = [_mean([fit.deviations[step] for fit in fits]) for step in range(horizon)]
    if found is not None and found.weight:
        mean = found.restored(mean, len(values))
        if not found.additive:
            spread = [size * found.of(len(values) + step) for step, size in enumerate(spread)]
    return Forecasted(tuple(mean), tuple(spread), method, found)


def half_widths(deviations: Sequence[float], count: int, confidence: float) -> list[float]:
    """Half of each interval, widened because short series underestimate their errors.

    The factors were fitted to the monthly series of the M1 competition, at 80 and 95 %. Between them and above, they
    follow the normal quantile; below 80 % they are constant.
    """
    z = normal_quantile(confidence)
    low, high = normal_quantile(0.8), normal_quantile(0.95)
    share = max(0.0, (z - low) / (high - low))
    found = []
    for step, size in enumerate(deviations):
        at_80 = (1.1 + 12.5 / count) * (1 + 0.008 * step)
        at_95 = (1.25 + 18 / count) * (1 + 0.012 * step)
        found.append(z * (at_80 + share * (at_95 - at_80)) * size)
    return found


def _smoothed(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """The squared errors of exponential smoothing, and the first level that minimises them.

    The errors are linear in the level: e = r - c * level, where r are the errors when starting at the first value.
    """
    level, c, keep = values[0], 1.0, 1 - alpha
    cc = cr = rr = 0.0
    for value in values:
        r = value - level
        cc += c * c
        cr += c * r
        rr += r * r
        level = value - keep * r
        c *= keep
    first = cr / cc
    return max(rr - first * cr, 0.0), values[0] + first


def _trended(values: Sequence[float], alpha: float, beta: float, phi: float) -> tuple[float, float, float]:
    """The squared errors of a damped trend, and the first level and trend that minimise them.

    The errors are linear in both: e = r - c * level - d * trend, where r are the errors when starting at the first
    value without a trend.
    """
    level, trend = values[0], 0.0
    from_level, trend_of_level = 1.0, 0.0
    from_trend, trend_of_trend = 0.0, 1.0
    cc = cd = dd = cr = dr = rr = 0.0
    for value in values:
        trend *= phi
        trend_of_level *= phi
        trend_of_trend *= phi
        r = value - level - trend
        c = from_level + trend_of_level
        d = from_trend + trend_of_trend
        cc += c * c
        cd += c * d
        dd += d * d
        cr += c * r
        dr += d * r
        rr += r * r
        level = value - (1 - alpha) * r
        trend += beta * r
        from_level = (1 - alpha) * c
        trend_of_level -= beta * c
        from_trend = (1 - alpha) * d
        trend_of_trend -= beta * d
    determinant = cc * dd - cd * cd
    if determinant <= 1e-12 * cc * dd:
        first, slope = cr / cc, 0.0
    else:
        first, slope = (cr * dd - dr * cd) / determinant, (dr * cc - cr * cd) / determinant
    return max(rr - first * cr - slope * dr, 0.0), values[0] + first, slope


def _traced(
    values: Sequence[float], alpha: float, beta: float, phi: float, level: float, trend: float
) -> tuple[float, float, list[float]]:
    """The last level and trend, and the errors, when starting at a given level and trend."""
    errors = []
    for value in values:
        trend *= phi
        error = value - level - trend
        errors.append(error)
        level += trend + alpha * error
        trend += beta * error
    return level, trend, errors


def _within(point: Sequence[float]) -> tuple[float, float, float]:
    """Map free numbers to alpha, beta and phi within their bounds: 0 < beta < alpha < 1."""
    low, high = _ALPHA
    alpha = min(max(point[0], low), high)
    beta = alpha * min(max(point[1], low), high)
    return alpha, beta, min(max(point[2], _PHI[0]), _PHI[1])


def _least(loss: Callable[[float], float], low: float, high: float) -> float:
    """The minimum of a function of one number: a grid, then a golden-section search around its best point."""
    steps = 12
    grid = [low + (high - low) * step / steps for step in range(steps + 1)]
    losses = [loss(point) for point in grid]
    best = losses.index(min(losses))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, steps)]
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-6:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    return (low + high) / 2


def _nelder_mead(loss: Callable[[Sequence[float]], float], start: Sequence[float]) -> tuple[float, list[float]]:
    """The minimum of a function of a few numbers, by the simplex of Nelder and Mead."""
    size = len(start)
    corners = [list(start)]
    for axis in range(size):
        corner = list(start)
        corner[axis] += 0.1 if axis < size - 1 else -0.05
        corners.append(corner)
    simplex = sorted((loss(corner), corner) for corner in corners)
    for _ in range(60):
        best, worst = simplex[0][0], simplex[-1]
        if worst[0] - best <= 1e-6 * abs(best):
            break
        middle = [sum(corner[axis] for _, corner in simplex[:-1]) / size for axis in range(size)]

        def moved(by: float, middle: list[float] = middle, corner: list[float] = worst[1]) -> tuple[float, list[float]]:
            point = [at + by * (at - old) for at, old in zip(middle, corner, strict=True)]
            return loss(point), point

        candidate = moved(1.0)
        if candidate[0] < best:
            candidate = min(candidate, moved(2.0))
        elif candidate[0] >= simplex[-2][0]:
            inner = moved(0.5 if candidate[0] < worst[0] else -0.5)
            if inner[0] >= min(candidate[0], worst[0]):
                base = simplex[0][1]
                shrunk = [[(at + old) / 2 for at, old in zip(base, corner, strict=True)] for _, corner in simplex[1:]]
                simplex = sorted([simplex[0], *((loss(corner), corner) for corner in shrunk)])
                continue
            candidate = inner
        simplex = sorted([*simplex[:-1], candidate])
    return simplex[0]


def _normalised(means: Sequence[float], *, additive: bool) -> list[float]:
    middle = _mean(means)
    return [one - middle if additive else one / middle for one in means]


def _sigma(errors: Sequence[float]) -> float:
    """The standard deviation of one-step errors without the first error, which was fitted."""
    rest = errors[1:]
    return sqrt(sum(error * error for error in rest) / len(rest))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
