"""``metrics.json``: the numbers of a report for programs; its form is described in METRICS.md beside this file."""

from __future__ import annotations

from typing import Any

from ...data.version import __version__
from ..evaluation.evaluate import EvaluatedModel, Report
from ..evaluation.verdict import judge
from ..evaluation.voters import VoterReport
from ..metrics.measures import Measures
from ..metrics.resampling import Estimate

SCHEMA = 1
"""Raised when a key changes its meaning or goes; new keys do not raise it."""


def metrics(report: Report) -> dict[str, Any]:
    """Return the numbers of a report as JSON can hold them."""
    data, summary = report.data, report.data.summary
    return {
        "schema": SCHEMA,
        "labeler": __version__,
        "labels": list(data.labels.names),
        "rows": summary["rows"],
        "gold_rows": len(data.gold),
        "gold_rows_unmatched": data.unmatched,
        "gold_rows_weighted": data.is_weighted,
        "class_balance": summary["class_balance"],
        "class_balance_source": summary["class_balance_source"],
        "class_balance_ci": summary.get("class_balance_interval"),
        "distribution": summary["distribution"],
        "verdict": judge(report).level,
        "weak_labels": _model(report.weak) | {"coverage": summary["covered"] / max(summary["rows"], 1)},
        "end_models": {
            name: _model(model)
            | {
                "mode": report.training[name].mode,
                "head": report.training[name].head,
                "backbone": report.training[name].backbone,
                "gold_rows_used": len(report.training[name].gold_used),
                "outdated": name in report.outdated,
            }
            for name, model in report.models.items()
        },
        "baselines": {name: _measures(scores) for name, scores in report.baselines.items()},
        "voters": {voter.name: _voter(voter) for voter in report.voters},
        "comparisons": [
            {"first": first, "second": second, **_numbers(compared, *vars(compared))}
            for first, second, compared in report.comparisons
        ],
        "suspects": None
        if report.issues is None
        else {"share": report.issues.share, "rows_looked_at": report.issues.looked_at},
    }


def _model(model: EvaluatedModel) -> dict[str, Any]:
    retained = [_numbers(each, "confidence", "share", "rows", "accuracy") for each in model.retained]
    return _measures(model.measures) | {"surest": retained}


def _measures(scores: Measures) -> dict[str, Any]:
    calibration = scores.calibration
    bins = () if calibration is None else calibration.bins
    return {
        **_numbers(scores, "rows", "effective_rows", "macro_f1", "weighted_f1", "accuracy"),
        "coverage": scores.coverage.value,
        "per_class": {
            each.name: _numbers(each, "precision", "recall", "f1", "pr_auc", "support", "predicted")
            for each in scores.classes
        },
        "confusion": [list(row) for row in scores.confusion],
        **_estimate("ece", None if calibration is None else calibration.error),
        "calibration": [_numbers(each, "confidence", "rows", "accuracy") for each in bins],
    }


def _voter(voter: VoterReport) -> dict[str, Any]:
    measured, without = voter.measured, voter.without
    return {
        "coverage": voter.coverage,
        "overlaps": voter.overlaps,
        "conflicts": voter.conflicts,
        "agreement": voter.agreement,
        "gold_votes": 0 if measured is None else measured.rows,
        "gold_effective": None if measured is None else measured.effective_rows,
        **_estimate("accuracy", None if measured is None else measured.accuracy),
        **_estimate("macro_f1", None if measured is None else measured.macro_f1),
        **_estimate("gain", None if without is None else without.macro_f1_difference),
    }


def _numbers(scores: Any, *names: str) -> dict[str, Any]:
    """Take attributes by name; an estimate gets its interval beside it."""
    found: dict[str, Any] = {}
    for name in names:
        value = getattr(scores, name)
        found |= _estimate(name, value) if value is None or isinstance(value, Estimate) else {name: value}
    return found


def _estimate(name: str, value: Estimate | None) -> dict[str, Any]:
    if value is None:
        return {name: None, f"{name}_ci": None}
    return {name: value.value, f"{name}_ci": [value.low, value.high]}
