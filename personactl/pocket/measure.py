"""Statistics of scores: error rates with exact binomial bounds, ranking, thresholds. No model and no picture here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta


def binomial_interval(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval of a proportion."""
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, trials - hits + 1))
    high = 1.0 if hits == trials else float(beta.ppf(1 - tail, hits + 1, trials - hits))
    return low, high


def upper_bound(hits: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided Clopper-Pearson upper bound of a proportion: with 0 hits in n about 3 / n."""
    return 1.0 if hits >= trials else float(beta.ppf(confidence, hits + 1, trials - hits))


def auc(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Probability that a genuine score exceeds an impostor score, ties counted half (Mann-Whitney)."""
    ordered = np.sort(impostor)
    below = np.searchsorted(ordered, genuine, side="left")
    tied = np.searchsorted(ordered, genuine, side="right") - below
    return float((below + 0.5 * tied).mean() / len(ordered))


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> tuple[float, float]:
    """The rate at which false accepts equal false rejects, and its threshold."""
    thresholds = np.unique(np.concatenate([genuine, np.quantile(impostor, np.linspace(0.5, 1, 4000))]))
    accepts = 1 - np.searchsorted(np.sort(impostor), thresholds, side="left") / len(impostor)
    rejects = np.searchsorted(np.sort(genuine), thresholds, side="left") / len(genuine)
    place = int(np.argmin(np.abs(accepts - rejects)))
    return float((accepts[place] + rejects[place]) / 2), float(thresholds[place])


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Accept when score >= `value`. `false_accepts` of `impostors` were accepted, `true_accepts` of `genuines`."""

    value: float
    false_accepts: int
    impostors: int
    true_accepts: int
    genuines: int

    @property
    def false_accept_rate(self) -> float:
        return self.false_accepts / self.impostors

    @property
    def false_accept_upper(self) -> float:
        """95 % upper bound, taking pairs as independent."""
        return upper_bound(self.false_accepts, self.impostors)

    @property
    def true_accept_rate(self) -> float:
        return self.true_accepts / self.genuines


def threshold_at(genuine: np.ndarray, impostor: np.ndarray, rate: float) -> Threshold:
    """The lowest threshold, rounded up to 3 decimals, whose false-accept rate on the sample is at most `rate`."""
    ordered = np.sort(impostor)[::-1]
    allowed = int(np.floor(rate * len(ordered)))
    value = float(np.ceil((ordered[allowed] + 1e-6) * 1000) / 1000)
    return Threshold(
        value=value,
        false_accepts=int((impostor >= value).sum()),
        impostors=len(impostor),
        true_accepts=int((genuine >= value).sum()),
        genuines=len(genuine),
    )


def pair_scores(embeddings: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of all pairs of unit vectors (n, d): of the same person, of different people."""
    first, second = np.triu_indices(len(embeddings), 1)
    scores = (embeddings @ embeddings.T)[first, second]
    same = people[first] == people[second]
    return scores[same], scores[~same]


def template(embeddings: np.ndarray) -> np.ndarray:
    """The direction of the mean of unit vectors (n, d)."""
    mean = embeddings.mean(axis=0)
    return mean / np.linalg.norm(mean)


def bootstrap_interval(
    groups: list[np.ndarray], statistic: object, *, rounds: int = 500, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of `statistic(list of groups)`, resampling whole groups (people), not single scores."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        picked = [groups[place] for place in rng.integers(0, len(groups), len(groups))]
        values.append(statistic(picked))  # type: ignore[operator]
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))
