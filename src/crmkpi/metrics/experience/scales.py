"""Refuse to combine scores of surveys with different scales."""

from crmkpi.errors import UndefinedError

__all__ = ["effort_scale", "effort_scales", "one_scale"]


def one_scale(shortest: float, longest: float, first_start: float, last_start: float) -> None:
    """Refuse a mean over different scales: of different length, or of equal length with different starts."""
    by = "'scale_high'" if first_start == last_start else "['scale_low', 'scale_high']"
    if shortest != longest:
        scales = f"of {shortest:g} to {longest:g} steps"
    elif first_start != last_start:
        scales = f"from {first_start:g} and from {last_start:g}"
    else:
        return
    raise UndefinedError(f"answers on scales {scales} have no mean together; group by={by}")


def effort_scale(unsaid: int, above_five: int) -> None:
    """Refuse to guess the scale of effort scores without one; a score above 5 shows that it ends at 7."""
    if unsaid and not above_five:
        raise UndefinedError(
            f"{unsaid:,} answers name no scale, and none of these is above 5, so that it may end at 5 or at 7; say "
            "which when reading, defaults={'scale_high': 7}"
        )


def effort_scales(ends: int, at_seven: int, unsaid: int, above_five: int) -> None:
    """Refuse a mean over effort scores on scales with different ends, including answers without a scale."""
    if unsaid and ends:
        effort_scale(unsaid, above_five)
        ends += not at_seven
    if ends > 1:
        raise UndefinedError(f"answers on {ends} scales have no mean together; group by='scale_high'")
