"""The answer to "can I use these labels?", in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ...data.command import command
from ..metrics.measures import Measures
from ..metrics.resampling import Estimate
from ..printable import percent
from .evaluate import EvaluatedModel, Report
from .voters import harmful

Level = Literal["good", "careful", "poor"]

_MIN_ROWS = 50
_GOOD_ACCURACY = 0.85
_GOOD_F1 = 0.6
_MIN_ACCURACY = 0.9
_BASELINES = {
    "majority class": "Always guessing the most frequent class",
    "gold rows only": "A model trained on the hand labels alone",
}
_MAX_WIDTH = 0.16  # of the interval of macro-F1


@dataclass(frozen=True)
class Verdict:
    """What a reader should take home.

    Parameters
    ----------
    level : str
        good, careful or poor.
    headline : str
        One sentence.
    facts, advice : tuple of str
        A few more.
    """

    level: Level
    headline: str
    facts: tuple[str, ...]
    advice: tuple[str, ...]


def named_models(report: Report) -> dict[str, EvaluatedModel]:
    """Name the labels a user may want to use: those of the end models, then the weak ones."""
    old = dict.fromkeys(report.outdated, " (trained on earlier labels)")
    models = {f"end model {name}{old.get(name, '')}": model for name, model in report.models.items()}
    return models | {"weak labels": report.weak}


def named_measures(report: Report) -> dict[str, Measures]:
    """Name the scores of all labels, baselines last."""
    return {name: model.measures for name, model in named_models(report).items()} | dict(report.baselines)


def judge(report: Report) -> Verdict:
    """Judge the best labels of a run by what the gold rows show beyond chance."""
    named = named_models(report)
    name = max(named, key=lambda n: named[n].measures.macro_f1.value)
    model = named[name]
    measures = model.measures
    level = _level(measures, report.baselines["majority class"])
    opening = {
        "good": "Yes: you can use these labels.",
        "careful": "With care: these labels are useful, but some are unreliable.",
        "poor": "Not yet: these labels are not clearly better than guessing, or too few rows are labelled by hand.",
    }[level]
    return Verdict(level, opening, _facts(report, name, measures), _advice(report, model))


def _level(measures: Measures, majority: Measures) -> Level:
    if measures.rows < _MIN_ROWS or measures.macro_f1.low <= majority.macro_f1.value:
        return "poor"
    sure = all(c.f1.low >= _GOOD_F1 for c in measures.classes if c.support)
    return "good" if measures.accuracy.low >= _GOOD_ACCURACY and sure else "careful"


def _facts(report: Report, name: str, measures: Measures) -> tuple[str, ...]:
    compared = len(named_models(report))
    chosen = name if compared == 1 else f"{name}, the best of {compared} compared"
    weakest = min((c for c in measures.classes if c.support), key=lambda c: c.f1.value)
    return (
        f"{share(measures.accuracy)} of the labels are right ({chosen}). "
        f"Macro-F1, in which every class counts the same, is {interval(measures.macro_f1)}.",
        f'The weakest class is {weakest.name}: {share(weakest.precision)} of "{weakest.name}" labels are right, and '
        f"{share(weakest.recall)} of the {weakest.name} reviews are found ({weakest.support} hand-labelled).",
        *(
            f"{_BASELINES[other]} would reach a macro-F1 of {interval(scores.macro_f1)}."
            for other, scores in report.baselines.items()
            if other in _BASELINES
        ),
        *(
            comparison_in_words(first, second, compared.macro_f1_difference)
            for first, second, compared in report.comparisons
            if "weak labels" in (first, second)
        ),
    )


def _advice(report: Report, model: EvaluatedModel) -> tuple[str, ...]:
    advice = []
    measures = model.measures
    sure = [k for k in model.retained if k.accuracy.low >= _MIN_ACCURACY and k.share < 1]
    if measures.accuracy.low < _MIN_ACCURACY and sure:
        most = max(sure, key=lambda k: k.share)
        advice.append(
            f"Where a mistake is costly, use only labels with a confidence of at least {most.confidence:.2f}: "
            f"{percent(most.share, 0)} of the reviews, of which {share(most.accuracy)} are right."
        )
    width = measures.macro_f1.high - measures.macro_f1.low
    if width > _MAX_WIDTH:
        wanted = 10 * math.ceil(measures.rows * (width / (_MAX_WIDTH * 0.75)) ** 2 / 10)
        more = command("sample", "--n", wanted - measures.rows, "--run", report.data.run.path)
        advice.append(
            f"{measures.rows} hand labels are too few to be sure. About {wanted:,} would narrow the "
            f"interval to ± {50 * _MAX_WIDTH * 0.75:.0f} points: {more}"
        )
    advice += [
        f"The weak labels are better without the voter {voter.name}: check its rules."
        for voter in report.voters
        if harmful(voter)
    ]
    return tuple(advice)


def comparison_in_words(first: str, second: str, difference: Estimate) -> str:
    """Return whether one set of labels is better than another, beyond chance."""
    if difference.low > 0:
        return f"{first} is better than {second}, beyond chance: macro-F1 {signed(difference)}."
    if difference.high < 0:
        return f"{first} is worse than {second}, beyond chance: macro-F1 {signed(difference)}."
    return f"Too few hand labels to tell whether {first} or {second} is better: macro-F1 {signed(difference)}."


def interval(value: Estimate) -> str:
    """``0.75 (0.66 to 0.83)``."""
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"


def signed(value: Estimate) -> str:
    """``+0.02 (-0.03 to +0.07)``."""
    return f"{value.value:+.3f} ({value.low:+.3f} to {value.high:+.3f})"


def share(value: Estimate) -> str:
    """``62 % (44-78 %)``."""
    middle, low, high = (percent(each, 0).rstrip("%") for each in (value.value, value.low, value.high))
    return f"{middle} % ({low}-{high} %)"
