"""What a sweep is handed: variants, faces and seeds, or a sentence that says what to hand in."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.variant import Variant


def check_variants(variants: Iterable[Variant], call: str = "sweep([v], faces)") -> list[Variant]:
    """The variants as a list.

    call    what to write for one variant v, for the message
    Raises InputError if they are no Variants, or one alone.
    """
    if isinstance(variants, Variant):
        raise InputError(
            f"the variant {variants.name!r} stands alone: hand in a list, also for one: {call}"
        )
    if isinstance(variants, str) or not isinstance(variants, Iterable):
        raise InputError(f"{variants!r} is no list of variants: hand in some, as in {call}")
    variants = list(variants)
    wrong = []
    for variant in variants:
        if not isinstance(variant, Variant):
            wrong.append(repr(variant))
    if wrong:
        raise InputError(
            f"a sweep takes Variants, not {listed(wrong, 3)}: hand in the variants themselves, as in {call} with "
            'v = Variant("my name")'
        )
    return variants


def check_names(variants: list[Variant]) -> None:
    """Raise InputError if two of these variants bear one name: their results would be one."""
    repeated = _repeated(variant.name for variant in variants)
    if repeated:
        raise InputError(f"several variants bear the name {listed(repeated)}; give each its own")


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """The seeds as a list of plain numbers.

    Raises InputError if one is no whole number of at least 0, or stands there twice.
    """
    if _is_whole(seeds):
        raise InputError(
            f"seeds={seeds} is a number: write seeds=[{seeds}] for this seed, or seeds=range(n) for n of them"
        )
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise InputError(f"seeds={seeds!r} is no list of seeds: write, say, seeds=[0, 1]")
    seeds = list(seeds)
    if not seeds:
        raise InputError("seeds is empty: name at least one, as in seeds=[0]")
    wrong = []
    for seed in seeds:
        if not _is_whole(seed) or seed < 0:
            wrong.append(repr(seed))
    if wrong:
        raise InputError(
            f"seeds={seeds!r}: a seed is a whole number of at least 0, not {listed(wrong, 3)}"
        )
    seeds = [int(seed) for seed in seeds]
    repeated = _repeated(seeds)
    if repeated:
        raise InputError(f"seeds={seeds!r} has {listed(repeated)} more than once: name each once")
    return seeds


def _is_whole(value) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | np.integer)


def _repeated(values: Iterable) -> list:
    """Those that stand there more than once, in order."""
    times = Counter(values)
    return sorted(value for value in times if times[value] > 1)


def check_faces(faces: Faces) -> None:
    """Raise InputError that says what to hand in if these are no Faces."""
    if isinstance(faces, Faces):
        return
    instead = "what load_faces() returns"
    if isinstance(faces, str | Path):
        instead = f"load_faces({str(faces)!r})"
    raise InputError(f"a sweep needs Faces, not {faces!r}: hand in {instead}")
