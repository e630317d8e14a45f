"""Scores of several surveys together: only where they lie on scales of one length."""

from crmkpi.errors import UndefinedError

__all__ = ["effort_scale", "effort_scales", "one_scale"]


def one_scale(shortest: float, longest: float) -> None:
    """Refuse a mean over scales of different length."""
    if shortest != longest:
        raise UndefinedError(
            f"answers on scales of {shortest:g} to {longest:g} steps have no mean together; group by='scale_high'"
        )


def effort_scale(unsaid: int, above_five: int) -> None:
    """Refuse to guess the scale of efforts that name none; above 5 they show it, which is then 7."""
    if unsaid and not above_five:
        raise UndefinedError(
            f"{unsaid:,} answers name no scale, and none of these is above 5, so that it may end at 5 or at 7; say "
            "which when reading, defaults={'scale_high': 7}"
        )


def effort_scales(ends: int, at_seven: int, unsaid: int, above_five: int) -> None:
    """Refuse a mean over efforts on scales with several ends, of answers that may name none."""
    if unsaid and ends:
        effort_scale(unsaid, above_five)
        ends += not at_seven
    if ends > 1:
        raise UndefinedError(f"answers on {ends} scales have no mean together; group by='scale_high'")
