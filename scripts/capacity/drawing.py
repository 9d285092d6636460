"""Cost against hit ratio as an SVG picture: one point for each size of cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from xml.sax.saxutils import escape

from scripts.capacity.reckoning import Capacity
from scripts.capacity.steps import amount, count

_WIDTH: Final = 900
_HEIGHT: Final = 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 110, 200, 50, 70
_LINES: Final[tuple[tuple[str, str, Callable[[Capacity], float]], ...]] = (
    ("total", "#1b1b1b", lambda each: each.cost.total),
    ("servers and disks", "#0b6e99", lambda each: each.cost.servers + each.cost.disks),
    ("links and origin", "#b3541e", lambda each: each.cost.links + each.cost.origin),
)


def draw(points: Sequence[Capacity], title: str) -> str:
    """The picture of a sweep, in the order of its sizes."""
    highest = max(each.cost.total for each in points) or 1.0
    first, last = points[0].hit_ratio, points[-1].hit_ratio
    span = (last - first) or 1.0

    def x(each: Capacity) -> float:
        return _LEFT + (each.hit_ratio - first) / span * (_WIDTH - _LEFT - _RIGHT)

    def y(cost: float) -> float:
        return _HEIGHT - _BOTTOM - cost / highest * (_HEIGHT - _TOP - _BOTTOM)

    body = [_text(_LEFT, 25, title, size=16), *_axes(first, last, highest, y)]
    for name, colour, cost_of in _LINES:
        path = " ".join(f"{x(each):.1f},{y(cost_of(each)):.1f}" for each in points)
        body.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        end = points[-1]
        body.append(_text(x(end) + 8, y(cost_of(end)) + 4, name, colour=colour))
    best = min(points, key=lambda each: each.cost.total)
    body.append(f'<circle cx="{x(best):.1f}" cy="{y(best.cost.total):.1f}" r="5"/>')
    label = f"cheapest: {count(best.cost.total)} at {best.hit_ratio:.1%}"
    label += f" with {amount(best.disk_bytes)} of disks"
    body.append(_text(_WIDTH - _RIGHT, _TOP - 8, label, anchor="end"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif">\n<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _axes(first: float, last: float, highest: float, y: Callable[[float], float]) -> list[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    lines = []
    for part in range(5):
        at = _LEFT + part / 4 * (right - _LEFT)
        cost = highest * part / 4
        lines += [
            f'<line x1="{_LEFT}" x2="{right}" y1="{y(cost):.1f}" y2="{y(cost):.1f}" '
            'stroke="#ddd"/>',
            _text(_LEFT - 8, y(cost) + 4, count(cost), anchor="end"),
            _text(at, bottom + 20, f"{first + (last - first) * part / 4:.1%}", anchor="middle"),
        ]
    middle = (_LEFT + right) / 2
    lines.append(_text(middle, bottom + 45, "hit ratio of the edges", anchor="middle"))
    lines.append(_text(_LEFT - 8, _TOP - 8, "a month", anchor="end"))
    return lines


def _text(
    x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", colour: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(text)}</text>'
    )
