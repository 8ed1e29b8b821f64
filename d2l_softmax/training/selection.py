"""Choosing between settings, each of which was trained from several seeds."""

import math
import statistics
from collections.abc import Iterable
from typing import Any, NamedTuple


class Score(NamedTuple):
    """A setting and, for each seed, its accuracy on held-out images: NaN where it diverged."""

    setting: tuple[Any, ...]
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Return the mean over the seeds; NaN if one of them diverged."""
        return statistics.fmean(self.accuracies)

    @property
    def spread(self) -> float:
        """Return the standard deviation over the seeds, with n − 1; NaN of one seed alone."""
        several = len(self.accuracies) > 1 and math.isfinite(self.mean)
        return statistics.stdev(self.accuracies) if several else math.nan

    def __str__(self) -> str:
        """Return mean and spread, as far as they are known."""
        if math.isnan(self.mean):
            return "diverged"
        spread = "" if math.isnan(self.spread) else f" ± {self.spread:.4f}"
        return f"{self.mean:.4f}{spread}"

    def within_one_standard_error(self, best: "Score") -> bool:
        """Tell whether this is below the best by no more than the difference's standard error.

        False of a single seed. Breiman, Friedman, Olshen, Stone (1984), section 3.4.3, choose among
        what is within one standard error of the best.
        """
        error = math.hypot(best.spread, self.spread) / math.sqrt(len(self.accuracies))
        return best.mean - self.mean <= error


def best_first(scores: Iterable[Score]) -> list[Score]:
    """Return the scores in the order of their means, those that diverged last.

    >>> [score.setting for score in best_first([Score(("a",), (0.7, 0.8)), Score(("b",), (0.9,))])]
    [('b',), ('a',)]
    """
    return sorted(scores, key=lambda score: (math.isnan(score.mean), -score.mean))
