"""The controller's own colour as a style sheet, made readable on white and on dark."""

import re

PAPER, DARK = (244, 247, 249), (27, 35, 42)
"""The least favourable grounds of the sheet: the raised ones, `--raised`."""
_READABLE = 4.5
Colour = tuple[int, int, int]


def brand_sheet(colour: str) -> str:
    """Style rules with the colour for light and dark pages; one that can't be read is moved until it can."""
    given = parse(colour) or (11, 92, 138)
    light, dark = readable(given, PAPER), readable(given, DARK)
    return (
        f":root{{--brand:{_hex(light)};--on-brand:#ffffff}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--brand:{_hex(dark)};--on-brand:#12181d}}}}\n"
        "@media print{:root{--brand:#000000;--on-brand:#ffffff}}\n"
    )


def parse(colour: str) -> Colour | None:
    """The three parts of `#rrggbb`."""
    found = re.fullmatch(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", colour.strip())
    return (int(found[1], 16), int(found[2], 16), int(found[3], 16)) if found else None


def readable(colour: Colour, ground: Colour) -> Colour:
    """The nearest colour towards black or white with a contrast of at least 4.5 : 1. Source: WCAG 2.2, 1.4.3."""
    goal: Colour = (0, 0, 0) if luminance(ground) > 0.5 else (255, 255, 255)
    for step in range(101):
        mixed = _mix(colour, goal, step / 100)
        if contrast(mixed, ground) >= _READABLE:
            return mixed
    return goal


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(colour: Colour, goal: Colour, share: float) -> Colour:
    red, green, blue = (round(c + (g - c) * share) for c, g in zip(colour, goal, strict=True))
    return red, green, blue


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)
