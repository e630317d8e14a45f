"""What the intervals of means hold: the share that contains the true mean, and how wide they are, by simulation.

    python benchmarks/mean_intervals.py                  # a Markdown table; some 20 seconds
    python benchmarks/mean_intervals.py --samples 20000 --confidence 0.9

Amounts and durations are skewed. From each distribution, samples of 5 to 1,000 values are drawn with a fixed seed. For
each way to an interval the table has the share of samples whose interval contains the true mean, in percent, and the
median width as a multiple of that mean. The ways that need only a count, a sum and a sum of squares are `student` (cut
at 0), `log` (mean times and divided by exp(t x standard error / mean) with n - 1 degrees of freedom) and `log_student`,
which the library takes: the same with fewer degrees of freedom, the more the values vary. `hall` and `johnson` need a
sum of cubes as well (Hall 1992; Johnson 1978).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crmkpi.statistics.intervals import log_student

Array = NDArray[np.float64]
Bounds = tuple[Array, Array]

SIZES = (5, 10, 30, 100, 1000)
DISTRIBUTIONS: Mapping[str, tuple[Callable[[np.random.Generator, tuple[int, int]], Array], float]] = {
    "lognormal, sigma 0.5": (lambda random, size: random.lognormal(0, 0.5, size), math.exp(0.125)),
    "lognormal, sigma 1": (lambda random, size: random.lognormal(0, 1, size), math.exp(0.5)),
    "lognormal, sigma 1.5": (lambda random, size: random.lognormal(0, 1.5, size), math.exp(1.125)),
    "gamma, shape 4": (lambda random, size: random.gamma(4, 1, size), 4.0),
    "gamma, shape 0.5": (lambda random, size: random.gamma(0.5, 1, size), 0.5),
    "exponential": (lambda random, size: random.exponential(1, size), 1.0),
    "exponential, 40 % zeros": (
        lambda random, size: random.exponential(1, size) * (random.random(size) < 0.6),
        0.6,
    ),
    "normal, 20 % spread": (lambda random, size: random.normal(1, 0.2, size), 1.0),
}


def student(values: Array, confidence: float) -> Bounds:
    """The mean plus and minus t standard errors, cut at 0."""
    mean, error, t = _parts(values, confidence)
    return np.maximum(mean - t * error, 0), mean + t * error


def log(values: Array, confidence: float) -> Bounds:
    """The mean times and divided by exp(t x standard error / mean)."""
    mean, error, t = _parts(values, confidence)
    width = np.exp(t * np.divide(error, mean, out=np.zeros_like(mean), where=mean > 0))
    return mean / width, mean * width


def library(values: Array, confidence: float) -> Bounds:
    """The library's own: `log_student`."""
    count = values.shape[1]
    found = [
        log_student(count, float(mean), float(deviation), confidence=confidence)
        for mean, deviation in zip(values.mean(axis=1), values.std(axis=1, ddof=1), strict=True)
    ]
    bounds = np.array([(0.0, math.inf) if one is None else tuple(one) for one in found])
    return bounds[:, 0], bounds[:, 1]


def hall(values: Array, confidence: float) -> Bounds:
    """Student's with Hall's cubic transformation, which takes the skewness out; cut at 0."""
    mean, error, t = _parts(values, confidence)
    count = values.shape[1]
    skewness = _skewness(values)
    steep = np.where(np.abs(skewness) < 1e-9, 1.0, skewness)

    def inverse(quantile: float) -> Array:
        y = quantile / math.sqrt(count) - skewness / (6 * count)
        return np.asarray(np.where(np.abs(skewness) < 1e-9, y, 3 / steep * (np.cbrt(1 + skewness * y) - 1)))

    deviation = error * math.sqrt(count)
    return np.maximum(mean - deviation * inverse(t), 0), mean - deviation * inverse(-t)


def johnson(values: Array, confidence: float) -> Bounds:
    """Student's, moved by Johnson's correction for skewness; cut at 0."""
    mean, error, t = _parts(values, confidence)
    count = values.shape[1]
    shift = _skewness(values) * error * (1 + 2 * t * t) / (6 * math.sqrt(count))
    return np.maximum(mean + shift - t * error, 0), mean + shift + t * error


WAYS: Mapping[str, Callable[[Array, float], Bounds]] = {
    "student": student,
    "log": log,
    "log_student": library,
    "johnson": johnson,
    "hall": hall,
}


def _parts(values: Array, confidence: float) -> tuple[Array, Array, float]:
    count = values.shape[1]
    error = values.std(axis=1, ddof=1) / math.sqrt(count)
    return values.mean(axis=1), error, float(stats.t.ppf((1 + confidence) / 2, count - 1))


def _skewness(values: Array) -> Array:
    spread = values.std(axis=1)
    third = ((values - values.mean(axis=1)[:, None]) ** 3).mean(axis=1)
    return np.asarray(np.divide(third, spread**3, out=np.zeros_like(third), where=spread > 0))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=2000, help="samples of each size (default 2000)")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args()
    print(f"| values | n | {' | '.join(WAYS)} |")
    print("|---" * (len(WAYS) + 2) + "|")
    for name, (draw, truth) in DISTRIBUTIONS.items():
        random = np.random.default_rng(asked.seed)
        for count in SIZES:
            values = draw(random, (asked.samples, count))
            cells = []
            for way in WAYS.values():
                low, high = way(values, asked.confidence)
                held = 100 * np.mean((low <= truth) & (truth <= high))
                cells.append(f"{held:.1f} ({np.median(high - low) / truth:.2f})")
            print(f"| {name} | {count:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
