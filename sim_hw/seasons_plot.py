"""Eclipse seasons as a picture: beta and length of eclipse over the span."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from flight.operator_error import OperatorError
from sim_hw.seasons import Seasons
from sim_hw.sun import Float64s

FORMATS = ("png", "svg")
# Okabe and Ito's set: told apart by colour-blind readers too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def check_picture(out: Path) -> None:
    """Raise: OperatorError, for a suffix that no picture has, a folder, or no matplotlib."""
    if out.suffix.removeprefix(".").lower() not in FORMATS:
        raise OperatorError(f"--out {out}: ends in none of {', '.join(f'.{k}' for k in FORMATS)}")
    if out.is_dir():
        raise OperatorError(f"--out {out}: is a folder; name a file")
    if not out.parent.is_dir():
        raise OperatorError(f"--out {out}: there is no folder {out.parent}")
    try:
        import matplotlib as _  # noqa: F401, ICN001, PLC0415 - an extra, and slow to load
    except ImportError:
        raise OperatorError(
            "orbit --out needs matplotlib, which is not installed; pip install 'nightside[plot]'"
        ) from None


def plot_seasons(several: Sequence[Seasons], out: Path) -> None:
    """Draw one or more orbits into a PNG or SVG file, by its suffix.

    Raises: OperatorError, for what `check_picture` refuses or a file that cannot be written.
    """
    check_picture(out)
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    figure = Figure(figsize=(9.0, 5.5), dpi=110, layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True)
    for number, found in enumerate(several):
        _draw(top, low, found, _COLOURS[number % len(_COLOURS)])
    top.set_ylabel("beta / °")
    low.set_ylabel("eclipse / min")
    low.set_ylim(bottom=0.0)
    for panel in (top, low):
        panel.grid(visible=True, linewidth=0.4, alpha=0.5)
    top.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0.0, -0.02), ncols=2, frameon=False)
    first = several[0]
    figure.suptitle(
        f"Sun {first.sun}, shadow {first.shadow}; dashed: no eclipse beyond", fontsize=9
    )
    kind = out.suffix.removeprefix(".").lower()
    try:
        figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    except OSError as error:
        raise OperatorError(f"--out {out}: cannot be written: {error.strerror}") from None


def _draw(top: Any, low: Any, found: Seasons, colour: str) -> None:
    orbit = found.orbit
    days: list[Any] = [orbit.epoch_utc + timedelta(seconds=s) for s in found.time_s.tolist()]
    minutes: Float64s = found.eclipse_s / 60.0
    top.plot(days, found.beta_deg, color=colour, linewidth=1.2, label=orbit.source)
    for sign in (-1.0, 1.0):
        critical = sign * orbit.beta_critical_deg
        if found.beta_deg.min() - 5.0 < critical < found.beta_deg.max() + 5.0:
            top.axhline(critical, color=colour, linewidth=0.8, linestyle="--")
    low.plot(days, minutes, color=colour, linewidth=1.2)
