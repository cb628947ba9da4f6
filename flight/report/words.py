"""Numbers, times and markup of the report."""

import html
import math
from collections.abc import Iterable, Sequence

UNIT_WORDS = {
    "degC": "°C", "ratio": "%", "count": "", "switch": "", "bits": "", "code": "",
}  # fmt: skip
DECIMALS = {
    "°C": 2, "W": 1, "%": 2, "A": 3, "V": 3, "kg/s": 4, "rpm": 0, "kPa": 1, "MHz": 0, "": 2,
}  # fmt: skip
J_PER_KWH, WH_J = 3.6e6, 3600.0
NO_BREAK = "\u00a0"  # a space that no line ends in


class Html(str):
    """Markup that is whole; every other text is escaped before it is written."""

    __slots__ = ()


def markup(text: object) -> str:
    """Return a text as markup."""
    return text if isinstance(text, Html) else html.escape(str(text))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Return an element; `class_` and `data_from` are written class and data-from."""
    pairs = "".join(
        f' {name.strip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{pairs}>{''.join(markup(child) for child in children)}</{tag}>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, caption: str = "") -> Html:
    """Return a table that scrolls by itself where the screen is narrow."""
    told = element("caption", caption) if caption else Html("")
    cells = (element("th", cell, scope="col") for cell in head)
    top = element("thead", element("tr", *cells)) if any(head) else Html("")
    body = element(
        "tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows)
    )
    return element("div", element("table", told, top, body), class_="scroll", tabindex=0)


def unit_word(unit: str) -> str:
    """Return a unit as people write it."""
    return UNIT_WORDS.get(unit, unit)


def quantity(value: float | None, unit: str, *, is_signed: bool = False) -> str:
    """Return a value with its unit; ratios in per cent."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "ratio":
        value *= 100.0
    word = unit_word(unit)
    sign = "+" if is_signed and value >= 0.0 else ""
    return f"{sign}{number(value)}{NO_BREAK if word else ''}{word}".replace("-", "−")


def number(value: float) -> str:
    """Return a number with as many digits as help."""
    size = abs(value)
    if value == int(value) and size < 1e6:
        return str(int(value))
    decimals = 0 if size >= 1000.0 else 1 if size >= 100.0 else 2 if size >= 0.1 else 3
    return f"{value:.{decimals}f}"


def energy(joules: float, *, beside: float = 0.0) -> str:
    """Return an energy in MJ and kWh, or in kJ and Wh where nothing reaches a MJ.

    Args:
        beside: The largest energy that it is told beside, so that a table has one unit.
    """
    if max(abs(joules), abs(beside)) < 1e6:
        kilo, watt_hours = round(joules / 1e3, 1) + 0.0, round(joules / WH_J, 2) + 0.0
        small = f"{kilo:.1f} kJ ({watt_hours:.2f} Wh)".replace("-", "−")
        return small.replace(" ", NO_BREAK)
    mega, hours = round(joules / 1e6, 3) + 0.0, round(joules / J_PER_KWH, 3) + 0.0  # no -0
    told = f"{mega:.3f} MJ ({hours:.3f} kWh)".replace("-", "−")
    return told.replace(" ", NO_BREAK)


def seconds(time_s: float | None) -> str:
    """Return a time in the flight."""
    return "–" if time_s is None else f"{time_s:.1f}{NO_BREAK}s"


def after(time_s: float | None, start_s: float) -> str:
    """Return a time behind another."""
    return "never" if time_s is None else f"+{time_s - start_s:.3f} s"


def duration(span_s: float) -> str:
    """Return a span of time."""
    if span_s < 7200.0:
        return f"{span_s:.0f} s"
    return f"{span_s / 3600.0:.2f} h" if span_s < 172_800.0 else f"{span_s / 86_400.0:.2f} d"
