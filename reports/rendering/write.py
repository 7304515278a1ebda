"""Writing a report into its run."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ...data.runs.directory import RunDirectory
from ...data.writing.atomic import write_json, write_text
from ..evaluation.evaluate import Report
from ..settings import ReportSection
from .metrics_json import metrics
from .page import render_html, render_markdown


@dataclass(frozen=True)
class WrittenReport:
    """A written report; a notebook shows its page.

    Parameters
    ----------
    report : Report
        What was found.
    metrics : dict
        What is in ``metrics.json``.
    html, markdown, json : Path
        The files.
    """

    report: Report = field(repr=False)
    metrics: dict[str, Any] = field(repr=False)
    html: Path
    markdown: Path
    json: Path

    def _repr_html_(self) -> str:
        """Show the page in a frame of its own: its styles stay in it."""
        page = escape(self.html.read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 40em; border: 0"></iframe>'


def write_report(report: Report, run: RunDirectory, settings: ReportSection) -> WrittenReport:
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
    return WrittenReport(report, numbers, run.report, run.report_markdown, run.metrics)
