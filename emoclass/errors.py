"""What can go wrong, in sentences. Imports nothing, so that everything else may import it."""


class InputError(ValueError):
    """What was handed in cannot be used; the message, one sentence, names every offender."""


class LeakError(ValueError):
    """Something that must stay together stands on both sides of a split; the message names it."""


class StudyError(RuntimeError):
    """Some of the study's work failed; what was finished is kept."""


def listed(names, at_most: int = 20) -> str:
    """`a, b, c`, or the first `at_most` of them `and 7 more`."""
    names = [str(name) for name in names]
    shown = ", ".join(names[:at_most])
    rest = len(names) - at_most
    if rest > 0:
        return f"{shown} and {rest} more"
    return shown
