"""What can go wrong, in sentences. Imports nothing, so that everything else may import it."""

from collections.abc import Iterable


class InputError(ValueError):
    """What was handed in cannot be used; the message is a sentence that names every offender."""


def listed(names: Iterable, at_most: int = 10) -> str:
    """`a, b, c`, or the first `at_most` of them `and 7 more`."""
    words = [str(name) for name in names]
    shown = ", ".join(words[:at_most])
    rest = len(words) - at_most
    if rest > 0:
        return f"{shown} and {rest:,} more"
    return shown
