"""Charts as small SVG pictures, drawn without any library, for the browser and for the PDF alike.

Every picture comes with words that say what it shows; the figures stand in a table beside it.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape

from workflows.documents.formats import number

PALETTE = ("#0b5c8a", "#c2570c", "#2f7d4f", "#7a3f9d", "#4a5763", "#a3161e")
_INK, _LINE = "#1b242c", "#c6ced6"
_FONT = 'font-family="Noto Sans, DejaVu Sans, sans-serif"'
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 220, 52, 24, 26


def bars(labels: Sequence[str], groups: Mapping[str, Sequence[float | None]], *, language: str) -> str:
    """Bars side by side: one group a label, one colour a series; None draws nothing."""
    top = _ceiling(max((v for values in groups.values() for v in values if v is not None), default=0.0))
    step = (_WIDTH - _LEFT) / max(1, len(labels))
    width = step * 0.8 / max(1, len(groups))
    parts = [_legend(list(groups)) if len(groups) > 1 else ""]
    parts += _axis(top, language)
    for g, values in enumerate(groups.values()):
        for n, value in enumerate(values):
            if value is None or top == 0:
                continue
            height = max(0.0, value) / top * (_HEIGHT - _TOP - _BOTTOM)
            x, y = _LEFT + n * step + step * 0.1 + g * width, _HEIGHT - _BOTTOM - height
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(1.0, width - 1):.1f}" height="{height:.1f}" '
                f'fill="{PALETTE[g % len(PALETTE)]}"/>'
            )
    for n, label in enumerate(labels):
        parts.append(_text(_LEFT + (n + 0.5) * step, _HEIGHT - 8, words=label, anchor="middle"))
    return _svg(_WIDTH, _HEIGHT, parts)


def heat(rows: Sequence[str], columns: Sequence[str], values: Mapping[tuple[int, int], float]) -> str:
    """A grid whose squares are the darker the larger the value; (row, column) to value."""
    left, top, width, height = 44, 16, 24, 18
    most = max(values.values(), default=0.0)
    parts = [_text(left + (n + 0.5) * width, 11, words=c, anchor="middle") for n, c in enumerate(columns)]
    for r, label in enumerate(rows):
        parts.append(_text(left - 6, top + r * height + 13, words=label, anchor="end"))
        for c in range(len(columns)):
            shade = shade_of(values.get((r, c), 0.0), most)
            parts.append(
                f'<rect x="{left + c * width}" y="{top + r * height}" width="{width - 1}" height="{height - 1}" '
                f'fill="{shade}"/>'
            )
    return _svg(left + len(columns) * width, top + len(rows) * height, parts)


def shade_of(value: float, most: float) -> str:
    """A colour between nearly white and the brand's blue."""
    part = max(0.0, min(1.0, value / most)) if most > 0 else 0.0
    low, high = (238, 243, 247), (11, 92, 138)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(low, high, strict=True))


def picture(svg: str, alt: str) -> str:
    """An `<img>` that carries its SVG in itself: nothing is fetched to show it."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img class="chart" src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}">'


def _axis(top: float, language: str) -> list[str]:
    parts = []
    for n in range(5):
        y = _HEIGHT - _BOTTOM - n / 4 * (_HEIGHT - _TOP - _BOTTOM)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_LINE}"/>')
        decimals = 0 if top >= 4 else 1 if top >= 0.4 else 3
        words = number(top * n / 4, language, decimals=decimals)
        parts.append(_text(_LEFT - 6, y + 4, words=words, anchor="end"))
    return parts


def _legend(names: Sequence[str]) -> str:
    parts, x = [], float(_LEFT)
    for n, name in enumerate(names):
        parts.append(f'<rect x="{x:.0f}" y="4" width="11" height="11" fill="{PALETTE[n % len(PALETTE)]}"/>')
        parts.append(_text(x + 15, 14, words=name, anchor="start"))
        x += 34 + 7 * len(name)
    return "".join(parts)


def _text(x: float, y: float, *, words: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="11" {_FONT} fill="{_INK}">{escape(words)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}"><rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _ceiling(value: float) -> float:
    """A round figure at or above the value, for the top of the axis."""
    if value <= 0:
        return 0.0
    step = 1.0
    while step * 10 <= value:
        step *= 10
    while step > value:
        step /= 10
    return next(step * factor for factor in (1, 2, 4, 5, 6, 8, 10) if step * factor >= value - 1e-12)
