"""Charts as inline SVG: coordinates are computed here, colours come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from ..evaluation.class_terms import Month
from ..evaluation.selective import RetainedRows
from ..metrics.calibration import Calibration
from ..metrics.resampling import Estimate
from ..printable import percent

_WIDTH, _HEIGHT = 520, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 40


def interval_chart(rows: Sequence[tuple[str, Estimate]], *, title: str) -> Markup:
    """Draw a dot with its interval for each name, on one scale from 0 to 1."""
    height, left, width = 28 * len(rows) + 34, 186, _WIDTH + 136
    scale = width - left - 20

    def x(value: float) -> float:
        return left + scale * min(max(value, 0.0), 1.0)

    parts = [_line(x(t / 5), 4, x(t / 5), height - 26, "grid") for t in range(6)]
    parts += [_text(x(t / 5), height - 10, f"{t / 5:.1f}", "middle") for t in range(6)]
    for i, (name, value) in enumerate(rows):
        y = 20 + 28 * i
        shown = name if len(name) <= 24 else f"{name[:23]}…"
        parts.append(_text(left - 10, y + 4, shown, "end"))
        parts.append(_line(x(value.low), y, x(value.high), y, "bar"))
        shown = f"{name}: {value.value:.3f} ({value.low:.3f} to {value.high:.3f})"
        parts.append(_dot(x(value.value), y, shown, radius=5))
    return _svg(parts, title, width, height)


def selective_chart(retained: Sequence[RetainedRows], *, title: str) -> Markup:
    """Draw the accuracy of the most confident labels over the share of rows retained; nothing if there are none."""
    if not retained:
        return Markup()
    low = min(0.5, *(entry.accuracy.low for entry in retained))
    points = [(_x(entry.share), entry.accuracy) for entry in sorted(retained, key=lambda entry: entry.share)]
    band = [(x, _y(a.high, low)) for x, a in points] + [(x, _y(a.low, low)) for x, a in reversed(points)]
    parts = [*_axes(low, "share of reviews kept", shares=True), _shape("polygon", "band", band)]
    parts.append(_shape("polyline", "curve", [(x, _y(a.value, low)) for x, a in points]))
    for e in retained:
        shown = f"{percent(e.share, 0)} of the reviews, {percent(e.accuracy.value)} right"
        parts.append(_dot(_x(e.share), _y(e.accuracy.value, low), f"confidence {e.confidence:.2f} or more: {shown}"))
    return _svg(parts, title)


def calibration_chart(calibration: Calibration | None, *, title: str) -> Markup:
    """Draw accuracy over confidence, with the diagonal of perfect calibration; nothing without probabilities."""
    if calibration is None:
        return Markup()
    low = min(0.5, *(b.confidence for b in calibration.bins), *(b.accuracy.value for b in calibration.bins))
    low = max(0.0, low - 0.05)

    def x(value: float) -> float:
        return _x((value - low) / (1 - low))

    parts = [*_axes(low, "confidence", shares=False, start=low)]
    parts.append(_line(x(low), _y(low, low), x(1), _y(1, low), "ideal"))
    for b in calibration.bins:
        parts.append(_line(x(b.confidence), _y(b.accuracy.low, low), x(b.confidence), _y(b.accuracy.high, low), "bar"))
        shown = f"{b.rows} rows with confidence {b.confidence:.2f}: {percent(b.accuracy.value)} right"
        parts.append(_dot(x(b.confidence), _y(b.accuracy.value, low), shown))
    return _svg(parts, title)


def month_chart(months: Sequence[Month], classes: Sequence[str], *, title: str) -> Markup:
    """Draw the share of each class in each month as stacked bars; nothing without dates."""
    if not months:
        return Markup()
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(months), 1)
    every = math.ceil(len(months) / 6)
    parts = _axes(0.0, "", shares=False, start=None)
    for i, month in enumerate(months):
        x, below = _LEFT + i * step, 0.0
        for c, name in enumerate(classes):
            share = month.counts[name] / max(month.reviews, 1)
            top = _y(below + share, 0.0)
            parts.append(
                f'<rect class="c{c % 9}" x="{x + step * 0.1:.1f}" y="{top:.1f}" width="{step * 0.8:.1f}" height="'
                f'{_y(below, 0.0) - top:.1f}"><title>{month.month} {escape(name)}: {month.counts[name]:,} of '
                f"{month.reviews:,} ({percent(share, 0)})</title></rect>"
            )
            below += share
        if i % every == 0:
            parts.append(_text(x + step / 2, _HEIGHT - 20, month.month, "middle"))
    return _svg(parts, title)


def _x(share: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share


def _y(value: float, low: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - max(value - low, 0.0) / (1 - low))


def _axes(low: float, label: str, *, shares: bool, start: float | None = 0.0) -> list[str]:
    """Draw five grid lines each way; no numbers below where `start` is None."""
    parts = []
    for tick in range(6):
        value = low + (1 - low) * tick / 5
        parts.append(_line(_LEFT, _y(value, low), _WIDTH - _RIGHT, _y(value, low), "grid"))
        parts.append(_text(_LEFT - 6, _y(value, low) + 4, f"{value:.0%}", "end"))
        if start is not None:
            across = start + (1 - start) * tick / 5
            shown = f"{across:.0%}" if shares else f"{across:.2f}"
            parts.append(_text(_x(tick / 5), _HEIGHT - 22, shown, "middle"))
    parts.append(_text(_x(0.5), _HEIGHT - 5, label, "middle"))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(x: float, y: float, title: str, radius: int = 4) -> str:
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(title)}</title></circle>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _shape(tag: str, kind: str, points: Sequence[tuple[float, float]]) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<{tag} class="{kind}" points="{places}"/>'


def _svg(parts: Sequence[str], title: str, width: int = _WIDTH, height: int = _HEIGHT) -> Markup:
    body = "".join(parts)
    return Markup(  # every text in it is escaped above
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{body}</svg>'
    )
