"""Charts are well-formed SVG, and hold no markup that they were given."""

from xml.etree import ElementTree

from labeler.reports.evaluation.class_terms import Month
from labeler.reports.evaluation.selective import RetainedRows
from labeler.reports.metrics.calibration import Bin, Calibration
from labeler.reports.metrics.resampling import Estimate
from labeler.reports.rendering.charts import calibration_chart, interval_chart, month_chart, selective_chart

HOSTILE = '<script>alert("1")</script>&'
HALF = Estimate(0.5, 0.0, 1.0)


def test_every_chart_is_well_formed_and_escapes_names() -> None:
    charts = [
        interval_chart([(HOSTILE, HALF)], title=HOSTILE),
        selective_chart([RetainedRows(0.9, 1.0, HALF, 10)], title=HOSTILE),
        calibration_chart(Calibration(HALF, (Bin(0.2, HALF, 3), Bin(1.0, HALF, 3))), title=HOSTILE),
        month_chart([Month("2025-03", 0, {HOSTILE: 0}), Month("2025-04", 4, {HOSTILE: 4})], [HOSTILE], title=HOSTILE),
    ]
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("aria-label") == HOSTILE
        assert "script" not in {node.tag for node in root.iter()}


def test_nothing_is_drawn_outside_the_picture() -> None:
    chart = calibration_chart(Calibration(HALF, (Bin(0.9, Estimate(0.6, 0.0, 1.0), 3),)), title="")
    root = ElementTree.fromstring(chart)
    _, _, width, height = (float(part) for part in (root.get("viewBox") or "").split())
    for line in root.iter("line"):
        assert all(0 <= float(line.get(name, "-1")) <= limit for name, limit in [("x1", width), ("y2", height)])
