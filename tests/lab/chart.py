"""Curves drawn as SVG. Over a range of sizes with both axes logarithmic: what grows with the size goes up by one decade
for each decade, what does not stays level. Over time with both as they are, from nothing on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
COLOURS = ("#3b82d6", "#c2571a", "#2e9a50", "#8a5cf6", "#c8372d", "#8c959f")
MARKS = 6
TEXT = 'class="words"'
STYLE = """<style>
.words { font: 13px system-ui, sans-serif; fill: #1f2328; }
.grid { stroke: #8c959f; opacity: 0.4; }
@media (prefers-color-scheme: dark) { .words { fill: #e6edf3; } }
</style>"""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line and its name; values that are not above nothing are left out."""

    name: str
    points: Sequence[tuple[float, float]]

    @property
    def drawn(self) -> list[tuple[float, float]]:
        return [(x, y) for x, y in self.points if x > 0 and y > 0]


def curves_svg(title: str, x_name: str, y_name: str, curves: Sequence[Curve], *, even: bool = False) -> str:
    """Readable on a light and on a dark page. At least one point must be there. `even`: no axis is logarithmic."""
    xs = [x for curve in curves for x, _ in curve.drawn]
    ys = [y for curve in curves for _, y in curve.drawn]
    axis = _EvenAxis if even else _Axis
    across, up = axis(xs, LEFT, WIDTH - RIGHT), axis(ys, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(_told(curves))}</desc>",
        STYLE,
        f'<text x="{LEFT}" y="22" {TEXT} font-weight="bold">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" {TEXT} text-anchor="middle">{escape(x_name)}</text>',
        f'<text x="16" y="{HEIGHT / 2}" {TEXT} text-anchor="middle" transform="rotate(-90 16 {HEIGHT / 2})">'
        f"{escape(y_name)}</text>",
    ]
    for value in up.marks:
        y = up.at(value)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" {TEXT} text-anchor="end">{value:g}</text>')
    for value in across.marks:
        x = across.at(value)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" {TEXT} text-anchor="middle">{value:,.0f}</text>')
    for number, curve in enumerate(curves):
        parts += _drawn(curve, COLOURS[number % len(COLOURS)], number, across, up)
    return "\n".join([*parts, "</svg>", ""])


def _told(curves: Sequence[Curve]) -> str:
    return " ".join(f"{c.name}: " + ", ".join(f"{y:g} at {x:,.0f}" for x, y in c.drawn) + "." for c in curves)


def _drawn(curve: Curve, colour: str, number: int, across: _Axis | _EvenAxis, up: _Axis | _EvenAxis) -> list[str]:
    places = [(across.at(x), up.at(y)) for x, y in curve.drawn]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    key_y = TOP + 14 + number * 20
    key_x = WIDTH - RIGHT + 16
    return [
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *dots,
        f'<line x1="{key_x}" y1="{key_y}" x2="{key_x + 18}" y2="{key_y}" stroke="{colour}" stroke-width="2"/>',
        f'<text x="{key_x + 24}" y="{key_y + 4}" {TEXT}>{escape(curve.name)}</text>',
    ]


class _Axis:
    """Whole decades around the values, laid between two places of the picture."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        self._high = max(math.ceil(math.log10(max(values))), self._low + 1)
        self._first, self._last = first, last

    @property
    def marks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._first + share * (self._last - self._first)


class _EvenAxis:
    """From nothing to above the largest value, marked at every 1, 2 or 5 of some decade."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        decade = 10.0 ** math.floor(math.log10(max(values)))
        self._step = next(step * decade / 10 for step in (1, 2, 5, 10, 20) if max(values) <= step * decade * MARKS / 10)
        self._high = math.ceil(max(values) / self._step) * self._step
        self._first, self._last = first, last

    @property
    def marks(self) -> list[float]:
        return [number * self._step for number in range(round(self._high / self._step) + 1)]

    def at(self, value: float) -> float:
        return self._first + value / self._high * (self._last - self._first)
