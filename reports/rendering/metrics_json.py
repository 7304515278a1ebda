"""``metrics.json``: the numbers of a report for programs; its form is described in METRICS.md beside this file."""

from __future__ import annotations

from typing import Any

from ...data.version import __version__
from ..evaluation.evaluate import EvaluatedModel, Report
from ..evaluation.verdict import judge
from ..evaluation.voters import VoterReport
from ..metrics.comparison import Comparison
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
            {"first": pair.first, "second": pair.second, **_comparison(pair.comparison)} for pair in report.comparisons
        ],
        "suspects": None
        if report.issues is None
        else {"share": report.issues.share, "rows_looked_at": report.issues.looked_at},
    }


def _model(model: EvaluatedModel) -> dict[str, Any]:
    kept = [
        {"confidence": k.confidence, "share": k.share, "rows": k.rows} | _estimate("accuracy", k.accuracy)
        for k in model.retained
    ]
    return _measures(model.measures) | {"surest": kept}


def _measures(scores: Measures) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": scores.rows, "effective_rows": scores.effective_rows}
    for name in ("macro_f1", "weighted_f1", "accuracy"):
        found |= _estimate(name, getattr(scores, name))
    found["coverage"] = scores.coverage.value
    found["per_class"] = {
        c.name: _estimate("precision", c.precision)
        | _estimate("recall", c.recall)
        | _estimate("f1", c.f1)
        | _estimate("pr_auc", c.pr_auc)
        | {"support": c.support, "predicted": c.predicted}
        for c in scores.classes
    }
    found["confusion"] = [list(row) for row in scores.confusion]
    calibration = scores.calibration
    found |= _estimate("ece", None if calibration is None else calibration.error)
    found["calibration"] = [
        {"confidence": b.confidence, "rows": b.rows} | _estimate("accuracy", b.accuracy)
        for b in (() if calibration is None else calibration.bins)
    ]
    return found


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


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "rows": found.rows,
        **_estimate("macro_f1_difference", found.macro_f1_difference),
        "p_value": found.p_value,
        "both_right": found.both_right,
        "only_first_right": found.only_first_right,
        "only_second_right": found.only_second_right,
        "both_wrong": found.both_wrong,
        "mcnemar_p_value": found.mcnemar_p_value,
    }


def _estimate(name: str, value: Estimate | None) -> dict[str, Any]:
    if value is None:
        return {name: None, f"{name}_ci": None}
    return {name: value.value, f"{name}_ci": [value.low, value.high]}
