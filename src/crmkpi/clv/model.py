"""The base of all models: intervals and JSON."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import exp, isfinite, log, sqrt
from random import Random
from typing import Any, ClassVar, Literal, Self, cast

from crmkpi.clv.fitting import Fit
from crmkpi.clv.special import normal_quantile
from crmkpi.errors import InputError, ParameterError, did_you_mean, unknown_name

__all__ = ["Estimate", "Model", "load_model"]

_JSON_VERSION = 1
_KINDS: dict[str, type[Model]] = {}
_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A fitted model: its frozen parameters, and the precision of the fit (`fit_summary`)."""

    kind: ClassVar[str]
    parameter_names: ClassVar[tuple[str, ...]]
    fit_summary: Fit | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Register the concrete models for `load_model`."""
        super(Model, cls).__init_subclass__(**options)
        if "kind" in cls.__dict__:
            _KINDS[cls.kind] = cls

    @property
    def parameters(self) -> tuple[float, ...]:
        """The parameters in the order of `parameter_names`."""
        return tuple(getattr(self, name) for name in self.parameter_names)

    def with_parameters(self, parameters: Sequence[float]) -> Self:
        """The same model with other parameters."""
        return replace(self, **cast("Any", dict(zip(self.parameter_names, parameters, strict=True))))

    def check_parameters(self) -> None:
        """Refuse parameters that are not finite and above zero."""
        for name, value in zip(self.parameter_names, self.parameters, strict=True):
            if not (isfinite(value) and value > 0):
                raise ParameterError(f"`{name}` must be finite and above zero; got {value!r}.")

    @abstractmethod
    def refit(self, like: Any, random: Random) -> Self:
        """Refit the model to data that it simulates, in the shape of `like`, the data of the original fit."""

    def interval(
        self,
        predict: Callable[[Self], Sequence[float]],
        *,
        confidence: float = 0.95,
        scale: Literal["plain", "log", "logit"] = "log",
    ) -> list[Estimate]:
        """Predictions with intervals for the uncertainty of the parameters, by the delta method.

        `predict` is any function of the model, such as `lambda m: m.expected_purchases(history, horizon=weeks(39))`.
        The interval is symmetric on `scale`: "log" for amounts above zero, "logit" for probabilities. It covers the
        uncertainty of the parameters, not the randomness of a single customer.
        """
        if self.fit_summary is None or self.fit_summary.covariance is None:
            raise InputError(
                "An interval by the delta method needs a fit whose likelihood has a clear maximum; this one has none. "
                "Use `bootstrap` instead."
            )
        reach = normal_quantile(_checked(confidence))
        covariance = self.fit_summary.covariance
        centre = [float(value) for value in predict(self)]
        slopes = []
        for i, parameter in enumerate(self.parameters):
            moved = []
            for sign in (1, -1):
                parameters = list(self.parameters)
                parameters[i] = parameter * exp(sign * _STEP)
                moved.append([float(value) for value in predict(self.with_parameters(parameters))])
            slopes.append([(up - down) / (2 * _STEP) for up, down in zip(*moved, strict=True)])
        size = range(len(slopes))
        estimates = []
        for position, value in enumerate(centre):
            slope = [slopes[i][position] for i in size]
            variance = sum(slope[i] * covariance[i][j] * slope[j] for i in size for j in size)
            low, high = _on_scale(value, reach * sqrt(max(variance, 0.0)), scale)
            estimates.append(Estimate(value, low, high, confidence))
        return estimates

    def bootstrap(
        self,
        predict: Callable[[Self], Sequence[float]],
        like: Any,
        *,
        confidence: float = 0.95,
        resamples: int = 200,
        seed: int = 0,
    ) -> list[Estimate]:
        """Predictions with percentile intervals from `resamples` fits to data that the model simulates itself.

        `like` is the data of the original fit: the simulated customers have the same number and ages. It is valid where
        `interval` is not, and takes `resamples` times as long as a fit.
        """
        _checked(confidence)
        if resamples < 2:
            raise ParameterError(f"`resamples` must be at least 2; got {resamples!r}.")
        random = Random(seed)  # noqa: S311
        drawn = [[float(value) for value in predict(self.refit(like, random))] for _ in range(resamples)]
        edge = (1 - confidence) / 2
        return [
            Estimate(float(value), _quantile(values, edge), _quantile(values, 1 - edge), confidence)
            for value, values in zip(
                predict(self), (sorted(column) for column in zip(*drawn, strict=True)), strict=True
            )
        ]

    def to_json(self) -> str:
        """The model as JSON text, with a version; `load_model` reads it back."""
        fit = asdict(self.fit_summary) if self.fit_summary is not None else None
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "fit_summary"}
        data = {"crmkpi_model": self.kind, "version": _JSON_VERSION, **own, "fit_summary": fit}
        return json.dumps(data, default=lambda span: [span.length, span.unit])


def load_model(text: str) -> Any:
    """Load a model from the text of `to_json`."""
    try:
        data = json.loads(text)
        kind, version = data.pop("crmkpi_model"), data.pop("version")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise InputError("This text is not a model written by `to_json`.") from error
    if version != _JSON_VERSION:
        raise InputError(f"This model is written in version {version!r}; this release reads version {_JSON_VERSION}.")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise unknown_name(f"There is no model {kind!r}.", str(kind), _KINDS)
    model = _KINDS[kind]
    known = {field.name for field in fields(model)}
    if unknown := sorted(set(data) - known):
        raise InputError(f"A {kind} model has no {unknown[0]!r}. {did_you_mean(unknown[0], known)}")
    try:
        fit = data.pop("fit_summary", None)
        if fit is not None:
            fit = Fit(**{name: _frozen(value) for name, value in fit.items()})
        return model(**{name: _frozen(value) for name, value in data.items()}, fit_summary=fit)
    except (AttributeError, TypeError, ArithmeticError, IndexError, RecursionError) as error:
        raise InputError(f"This text is not a {kind} model as `to_json` writes one ({error}).") from error


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ParameterError(f"`confidence` must lie between 0 and 1; got {confidence!r}.")
    return confidence


def _on_scale(value: float, half: float, scale: str) -> tuple[float, float]:
    if scale == "plain" or half == 0 or value <= 0 or (scale == "logit" and value >= 1):
        return value - half, value + half
    if scale == "log":
        return value * exp(-half / value), value * exp(half / value)
    odds, half = log(value / (1 - value)), half / (value * (1 - value))
    return 1 / (1 + exp(half - odds)), 1 / (1 + exp(-half - odds))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
