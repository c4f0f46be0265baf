"""The page's chart: one panel of bars for each figure, ours set apart.

Written out here: what the chart libraries draw would have to be taken apart again for both colour schemes, a title and
a description, and without scripts there is little left of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

WIDTH: Final = 760
LABEL_WIDTH: Final = 170
VALUE_WIDTH: Final = 90
ROW_HEIGHT: Final = 22
BAR_HEIGHT: Final = 14
PANEL_HEAD: Final = 34
PANEL_GAP: Final = 14

STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.head { font-weight: 600; }
.bar { fill: #8c959f; }
.ours { fill: #0550ae; }
.axis { stroke: #8c959f; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .bar { fill: #7d8590; }
  .ours { fill: #6cb6ff; }
  .axis { stroke: #7d8590; }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """`shown` stands behind the bar; without a value there is no bar, and `shown` says why."""

    label: str
    value: float | None
    shown: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one measure, from zero."""

    head: str
    bars: Sequence[Bar]


def draw(title: str, panels: Sequence[Panel]) -> str:
    """An SVG that can be read in a light and a dark page; its description says all that its bars show."""
    height = sum(PANEL_HEAD + len(panel.bars) * ROW_HEIGHT + PANEL_GAP for panel in panels)
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "aria-labelledby": "title desc",
        },
    )
    ET.SubElement(root, "title", {"id": "title"}).text = title
    ET.SubElement(root, "desc", {"id": "desc"}).text = _description(panels)
    ET.SubElement(root, "style").text = STYLE
    top = 0
    for panel in panels:
        _panel(root, panel, top)
        top += PANEL_HEAD + len(panel.bars) * ROW_HEIGHT + PANEL_GAP
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _panel(root: ET.Element, panel: Panel, top: int) -> None:
    _text(root, 0, top + 20, panel.head, "head")
    longest = max((bar.value or 0.0 for bar in panel.bars), default=0.0)
    bottom = top + PANEL_HEAD + len(panel.bars) * ROW_HEIGHT - 4
    for place, bar in enumerate(panel.bars):
        y = top + PANEL_HEAD + place * ROW_HEIGHT
        _text(root, LABEL_WIDTH - 8, y + 11, bar.label, anchor="end")
        width = _width(bar.value, longest)
        if bar.value is not None:
            kind = "ours" if bar.ours else "bar"
            ET.SubElement(
                root,
                "rect",
                {"class": kind, "x": str(LABEL_WIDTH), "y": str(y), "width": f"{width:g}", "height": str(BAR_HEIGHT)},
            )
        _text(root, LABEL_WIDTH + width + 6, y + 11, bar.shown)
    line = {"x1": str(LABEL_WIDTH), "x2": str(LABEL_WIDTH), "y1": str(top + PANEL_HEAD - 4), "y2": str(bottom)}
    ET.SubElement(root, "line", {"class": "axis", **line})


def _width(value: float | None, longest: float) -> float:
    if not value or longest <= 0:
        return 0.0
    return round(max(0.0, value) / longest * (WIDTH - LABEL_WIDTH - VALUE_WIDTH), 1)


def _text(root: ET.Element, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
    attributes = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor} | ({"class": kind} if kind else {})
    ET.SubElement(root, "text", attributes).text = text


def _description(panels: Sequence[Panel]) -> str:
    return " ".join(
        f"{panel.head}: " + ", ".join(f"{bar.label} {bar.shown}" for bar in panel.bars) + "." for panel in panels
    )
