"""A report as a page for people (HTML) and as Markdown; all text of reviews is data, never markup."""

from __future__ import annotations

import html
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...data.version import __version__
from ..evaluation.evaluate import Report
from ..evaluation.verdict import interval, judge, named_measures, named_models, signed
from ..metrics.measures import Measures
from ..metrics.resampling import Estimate
from ..printable import counted, printable, spaced_percent
from .charts import calibration_chart, interval_chart, month_chart, selective_chart

_MAX_CHARACTERS = 400  # characters of a review that are shown
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|!~@])")


def render_html(report: Report, *, resamples: int, examples: int) -> str:
    """Return the page: self-contained, without scripts."""
    environment = _environment(autoescape=True)
    style = environment.loader.get_source(environment, "report.css")[0]  # type: ignore[union-attr]
    models = named_models(report)
    charts = {
        name: {
            "retained": selective_chart(model.retained, title=f"{name}: most confident labels"),
            "calibration": calibration_chart(model.measures.calibration, title=f"{name}: calibration"),
        }
        for name, model in models.items()
    }
    overview = interval_chart(
        [(name, scores.macro_f1) for name, scores in named_measures(report).items()],
        title="Macro-F1 with 95 % intervals",
    )
    return environment.get_template("report.html.j2").render(
        _context(report),
        style=Markup(style),
        charts=charts,
        overview=overview,
        months=month_chart(report.terms.months, report.data.labels.names, title="Classes by month"),
        resamples=resamples,
        examples=examples,
    )


def render_markdown(report: Report) -> str:
    """Return the main tables as Markdown."""
    return _environment(autoescape=False).get_template("report.md.j2").render(_context(report))


def _context(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "run": str(report.data.run.path),
        "version": __version__,
        "verdict": judge(report),
        "summary": report.data.summary,
        "labels": report.data.labels.names,
        "gold_rows": len(report.data.gold),
        "models": named_models(report),
        "scores": named_measures(report),
    }


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=not autoescape,
        lstrip_blocks=not autoescape,
    )
    environment.filters |= {
        "shown": _shown,
        "md": _markdown,
        "signed": signed,
        "est": _estimate,
        "counted": _counted,
        "percent": spaced_percent,
    }
    return environment


def _shown(text: str, longest: int = _MAX_CHARACTERS) -> str:
    """Shorten a text and make its control characters visible."""
    line = printable(text[: longest + 1])
    return f"{line[:longest]}…" if len(text) > longest else line


def _markdown(text: str) -> str:
    # < and & as entities: not every program that shows Markdown knows that \\< is no tag
    return _MARKDOWN.sub(r"\\\1", html.escape(_shown(text, 200), quote=False))


def _counted(scores: Measures | None) -> str:
    return "0" if scores is None else counted(scores.rows, scores.effective_rows)


def _estimate(value: Estimate | None) -> str:
    return "-" if value is None else interval(value)
