"""A value and its interval: Wilson's for a share, or over subjects and seeds."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest
from scipy.stats import t as student

from emoclass.predictions import NO_SEED

RESAMPLES = 2000
NOTHING = 1e-9  # what is narrower than this is a rounding error
ONE_SEED = "one seed, no interval over seeds"
ROUNDS = 10  # p-values take this many times RESAMPLES: at least 1e-4, which Holm may multiply


class Estimate(NamedTuple):
    """A value, its 95 % interval (None for an exact count), and what stands behind it.

    n         photos; their copies and the seeds that test them are no photos of their own
    subjects  the people on these photos; None where nobody counted them
    seeds     how many seeds nets were trained with; an interval of one seed leaves the seed out.
              None where nothing was drawn
    by_seed   the value that each seed gives alone, in the order of the seeds; () for one seed
    """

    value: float
    low: float | None
    high: float | None
    n: int
    subjects: int | None = None
    seeds: int | None = None
    by_seed: tuple[float, ...] = ()

    @classmethod
    def of(cls, entry: dict) -> "Estimate":
        """The estimate that an entry of results.json tells of, which has no value of each seed."""
        counted = (entry.get("subjects"), entry.get("seeds"))
        return cls(entry["value"], entry["low"], entry["high"], entry["n"], *counted)

    def __str__(self) -> str:
        behind = in_numbers(self.n, self.subjects, self.seeds)
        if self.low is None:
            return f"{self.value:,.10g} ({behind})"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}; {behind})"

    def __format__(self, spec: str) -> str:
        """`f"{estimate:+}"` is for differences: signs, and no n."""
        if spec == "+":
            return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        return format(str(self), spec)


def in_numbers(
    n: int,
    subjects: int | None,
    seeds: int | None,
) -> str:
    """`n = 21 of 16 subjects, 10 seeds`; what is None is left out."""
    text = f"n = {n:,}"
    if subjects is not None:
        text += f" of {subjects:,} subject" + "s" * (subjects != 1)
    if seeds is not None:
        text += ", one seed" if seeds == 1 else f", {seeds} seeds"
    return text


def wilson(hits: int, n: int) -> Estimate:
    """The share hits / n with Wilson's interval (1927); 0 of 4 is 0 to .49."""
    if n == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    test = binomtest(int(hits), int(n))
    low, high = test.proportion_ci(method="wilson")
    return Estimate(hits / n, low, high, int(n))


def mean_over_subjects(
    values: np.ndarray,
    subjects: np.ndarray,
    seed: int = 0,
    seeds: np.ndarray | None = None,
    least: float = 0.0,
) -> Estimate:
    """Mean of one value for each test, its interval over subjects and, if there are several, seeds.

    values, subjects  (n,) each: the value of each test and the name of who is on the photo
    seeds             (n,): the seed of the net that was tested; None or NO_SEED: none
    least             the lowest value that is possible; the highest is 1
    """
    has_seeds = seeds is not None and not np.all(np.asarray(seeds) == NO_SEED)
    if seeds is None:
        seeds = np.full(len(values), NO_SEED)
    names, subject = np.unique(np.asarray(subjects), return_inverse=True)
    seed_names, which = np.unique(np.asarray(seeds), return_inverse=True)
    shape = (len(names), len(seed_names))
    cell = subject * shape[1] + which
    sums = np.bincount(cell, weights=np.asarray(values, float), minlength=np.prod(shape))
    tests = np.bincount(cell, minlength=np.prod(shape))
    drawn = subject_weights(len(names), seed)
    drawn_sums = drawn @ sums.reshape(shape)
    drawn_tests = drawn @ tests.reshape(shape).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = Resampled(
            value=float(np.mean(values)),
            by_seed=sums.reshape(shape).sum(0) / tests.reshape(shape).sum(0),
            draws=drawn_sums.sum(1) / drawn_tests.sum(1),
            draws_by_seed=(drawn_sums / drawn_tests).T,
            subjects=len(names),
            has_seeds=has_seeds,
        )
    return resampled.estimate(len(values), least)


@dataclass(frozen=True, eq=False)
class Resampled:
    """A value, and what becomes of it when other subjects are drawn, with all seeds and with each alone."""

    value: float
    by_seed: np.ndarray  # (seeds,)
    draws: np.ndarray  # (resamples,)
    draws_by_seed: np.ndarray  # (seeds, resamples)
    subjects: int  # who can change the value
    has_seeds: bool = True  # False: nothing was drawn, and `by_seed` is the value alone

    def estimate(
        self,
        n: int,
        least: float = 0.0,
        can_differ: bool = True,
    ) -> Estimate:
        """The value with its 95 % interval: over subjects and seeds, or over subjects alone if there is one seed.

        What is estimated is what the same procedure gives on other photos of such people with other seeds. Subjects
        and seeds are crossed, for each subject is tested with each seed. So the variance is V(subjects) + V(seeds) -
        V(both): what subjects and seeds do together is in either of the first two, and would count twice. Its degrees
        of freedom are Satterthwaite's (1946). A share (`least` is 0) has the score interval: Wilson's for as many
        trials as would have that variance, with t in place of z (Kott 2017). With one seed: the middle 95 % of
        the draws.

        can_differ   where no subject and no seed differs from another, others may: the interval reaches as far as
                     Wilson's does for none of so many subjects. False: it is the value alone
        """
        seeds = len(self.by_seed)
        low, high = self._ends(share=least == 0)
        if can_differ and high - low < NOTHING:
            reach = wilson(0, self.subjects).high
            low, high = self.value - reach, self.value + reach
        low = float(max(low, least))
        high = float(min(high, 1.0))
        by_seed = tuple(float(value) for value in self.by_seed) if seeds > 1 else ()
        counted = max(seeds, 1) if self.has_seeds else None  # two nets may have no seed in common
        return Estimate(self.value, low, high, n, self.subjects, counted, by_seed)

    @property
    def p_value(self) -> float:
        """Two-sided, that the true value is 0: for several seeds, by t; a sign test's where all subjects are alike."""
        spread = self._spread()
        if spread.deviation < NOTHING:
            same_sign = 2 * 0.5**self.subjects
            return 1.0 if abs(self.value) < NOTHING else min(same_sign, 1.0)
        return float(2 * student.sf(abs(self.value) / spread.deviation, spread.freedom))

    def _ends(self, share: bool) -> tuple[float, float]:
        if len(self.by_seed) < 2:
            low, high = middle(self.draws)
            return low, high
        spread = self._spread()
        t = student.ppf(0.975, spread.freedom)
        half = t * spread.deviation
        inside = self.value * (1 - self.value)
        if not share or inside <= 0 or spread.deviation < NOTHING:
            return self.value - half, self.value + half
        per_trial = half**2 / inside  # t squared by the number of trials
        centre = (self.value + per_trial / 2) / (1 + per_trial)
        half = np.sqrt(half**2 + per_trial**2 / 4) / (1 + per_trial)
        return centre - half, centre + half

    def _spread(self) -> "Spread":
        seeds = len(self.by_seed)
        # Drawing n of n subjects shows (n - 1) / n of their variance.
        whole = self.subjects / max(self.subjects - 1, 1)
        of_subjects = whole * np.nanvar(self.draws)
        of_seeds = np.nanvar(self.by_seed, ddof=1) / seeds
        of_subjects_in_one = whole * np.nanmean(np.nanvar(self.draws_by_seed, axis=1))
        of_both = max(of_subjects_in_one - of_subjects, 0) / (seeds - 1)
        variance = max(of_subjects + of_seeds - of_both, of_subjects, of_seeds)
        if variance == 0:
            return Spread(0.0, 1.0)
        spread = of_subjects**2 / max(self.subjects - 1, 1) + of_seeds**2 / (seeds - 1)
        freedom = max(variance**2 / spread, 1.0)
        return Spread(float(np.sqrt(variance)), float(freedom))


@dataclass(frozen=True)
class Spread:
    """How far a value is from what it estimates, by chance."""

    deviation: float  # standard deviation
    freedom: float  # degrees of freedom of that


@lru_cache(maxsize=ROUNDS)
def subject_weights(n_subjects: int, seed: int) -> np.ndarray:
    """(RESAMPLES, subjects) float32: how often each subject is drawn in each resample.

    Kept, so not to be written to.
    """
    random = np.random.default_rng(seed)
    drawn = random.integers(n_subjects, size=(RESAMPLES, n_subjects))
    first_cell = n_subjects * np.arange(RESAMPLES)[:, None]  # of each resample's row
    cell = (drawn + first_cell).ravel()
    often = np.bincount(cell, minlength=RESAMPLES * n_subjects)
    return often.reshape(RESAMPLES, n_subjects).astype(np.float32)


def middle(resampled: np.ndarray) -> list[float]:
    """Lower and upper end of the middle 95 % of (resamples,) values, NaN left out."""
    return np.nanpercentile(resampled, [2.5, 97.5]).tolist()
