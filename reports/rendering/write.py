"""Writing a report into its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.runs.directory import RunDirectory
from ...data.writing.atomic import write_json, write_text
from ..evaluation.evaluate import Report
from ..settings import ReportSection
from .metrics_json import metrics
from .page import render_html, render_markdown


@dataclass(frozen=True)
class Written:
    """A written report.

    Parameters
    ----------
    metrics : dict
        What is in ``metrics.json``.
    html, markdown, json : Path
        The files.
    """

    metrics: dict[str, Any]
    html: Path
    markdown: Path
    json: Path


def write_report(report: Report, run: RunDirectory, settings: ReportSection) -> Written:
    """Write ``report.html``, ``report.md`` and ``metrics.json``.

    Raises
    ------
    RunError
        If a file cannot be written.
    """
    numbers = metrics(report)
    write_text(run.report, render_html(report, resamples=settings.resamples, examples=settings.examples))
    write_text(run.report_markdown, render_markdown(report))
    write_json(run.metrics, numbers)
    return Written(numbers, run.report, run.report_markdown, run.metrics)
