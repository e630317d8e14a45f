"""What a confidence may be."""

from __future__ import annotations

from numbers import Real

from crmkpi.errors import InputError

__all__ = ["check_confidence"]


def check_confidence(confidence: float) -> None:
    """Refuse what is no fraction between 0 and 1."""
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise InputError(
            f"`confidence` must lie between 0 and 1, both excluded; got {confidence!r}. Write 95 % as 0.95."
        )
