"""`nightside plot`: chosen channels of a recording as a picture.

One panel for each unit, modes as shading, events as marks. matplotlib is an extra.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from flight.channels_chosen import Samples
from flight.core.types import Event, Float64s, Severity
from flight.operator_error import OperatorError
from flight.services.recording import NS_PER_S

FORMATS = ("png", "svg")
POINTS_MAX = 4000  # per line: more than a picture has columns
LABELS_MAX = 12  # lines named in the legend of a panel
EVENTS_MAX = 40
MODE_COLOURS = {
    "BOOT": "#dfe7f0", "STANDBY": "#e8e8e8", "NOMINAL": "#ffffff", "DEGRADED": "#fff3cf",
    "SAFE": "#ffe0c8", "SURVIVAL": "#ffcccc",
}  # fmt: skip
ECLIPSE_COLOUR, ECLIPSE_ALPHA = "#1a2a4a", 0.16  # lets the colour of the mode through
EVENT_COLOURS = {Severity.WARNING: "#d08000", Severity.CRITICAL: "#c00000"}
MINUTES_FROM_S = 600.0  # longer spans have an axis in minutes


def plot_samples(
    samples: Samples,
    out: Path,
    *,
    modes: Sequence[tuple[int, str]],
    eclipses: Sequence[tuple[int, int]] = (),
    events: Sequence[Event],
    title: str,
) -> None:
    """Draw samples into a PNG or SVG file, by its suffix.

    Raises: OperatorError, for another suffix, a file that cannot be written, or no matplotlib.
    """
    kind = out.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise OperatorError(f"--out {out}: ends in none of {', '.join(f'.{k}' for k in FORMATS)}")
    if out.is_dir():
        raise OperatorError(f"--out {out}: is a folder; name a file")
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise OperatorError(
            "plot needs matplotlib, which is not installed; pip install 'nightside[plot]'"
        ) from None
    units = tuple(dict.fromkeys(samples.units))
    figure = Figure(figsize=(11.0, 1.6 + 2.2 * len(units)), dpi=110, layout="constrained")
    panels = figure.subplots(len(units), 1, sharex=True, squeeze=False)[:, 0]
    end_s = float(samples.times_ns[-1]) / NS_PER_S
    scale_s, unit = (60.0, "min") if end_s >= MINUTES_FROM_S else (1.0, "s")
    marked = _marked(events)
    for panel, panel_unit in zip(panels, units, strict=True):
        _shade(panel, modes, end_s, scale_s)
        for begin_ns, end_ns in eclipses:
            panel.axvspan(
                begin_ns / NS_PER_S / scale_s, end_ns / NS_PER_S / scale_s,
                color=ECLIPSE_COLOUR, alpha=ECLIPSE_ALPHA, linewidth=0.0, zorder=0.6,
            )  # fmt: skip
        _draw(panel, samples, panel_unit, scale_s)
        for event in marked:
            panel.axvline(
                event.time_ns / NS_PER_S / scale_s, color=EVENT_COLOURS[event.severity],
                linewidth=0.8, alpha=0.7, zorder=1.5,
            )  # fmt: skip
    _label_events(panels[0], marked, scale_s)
    panels[-1].set_xlabel(f"time in the flight / {unit}")
    panels[-1].set_xlim(float(samples.times_ns[0]) / NS_PER_S / scale_s, end_s / scale_s)
    figure.suptitle(title, fontsize=10)
    _add_legend(figure, modes, has_eclipse=bool(eclipses))
    try:
        figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    except OSError as error:
        raise OperatorError(f"--out {out}: cannot be written: {error.strerror}") from None


def _draw(panel: Any, samples: Samples, unit: str, scale_s: float) -> None:
    chosen = [i for i, u in enumerate(samples.units) if u == unit]
    times = samples.times_ns / NS_PER_S / scale_s
    for number, i in enumerate(chosen):
        rows = _thin(samples.values[:, i])
        label = samples.names[i] if number < LABELS_MAX else None
        panel.plot(times[rows], samples.values[rows, i], linewidth=1.1, label=label, zorder=2.0)
    if (more := len(chosen) - LABELS_MAX) > 0:
        panel.plot([], [], " ", label=f"and {more} more")
    panel.set_ylabel(unit.replace("deg", "°") or "1")
    panel.grid(visible=True, linewidth=0.4, alpha=0.5)
    panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, frameon=False)


def _thin(values: Float64s) -> Any:
    """Choose rows to draw: of each stretch its lowest and highest, so that no spike is lost."""
    stretch = math.ceil(2 * len(values) / POINTS_MAX)
    if stretch <= 2:
        return np.arange(len(values))
    cut = len(values) // stretch * stretch
    table = np.nan_to_num(values[:cut], nan=0.0).reshape(-1, stretch)
    starts = np.arange(0, cut, stretch)
    rows = [
        starts + table.argmin(axis=1),
        starts + table.argmax(axis=1),
        np.arange(cut, len(values)),
    ]
    return np.unique(np.concatenate(rows))


def _shade(panel: Any, modes: Sequence[tuple[int, str]], end_s: float, scale_s: float) -> None:
    ends = [*modes, (round(end_s * NS_PER_S), "")]
    for (begin_ns, mode), (end_ns, _) in pairwise(ends):
        panel.axvspan(
            begin_ns / NS_PER_S / scale_s, end_ns / NS_PER_S / scale_s,
            color=MODE_COLOURS.get(mode, "#ffffff"), linewidth=0.0, zorder=0.5,
        )  # fmt: skip


def _add_legend(figure: Any, modes: Sequence[tuple[int, str]], *, has_eclipse: bool) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - as above

    names = list(dict.fromkeys(mode for _, mode in modes))
    patches = [
        Patch(facecolor=MODE_COLOURS.get(n, "#fff"), edgecolor="#999", label=n) for n in names
    ]
    if has_eclipse:
        patches.append(Patch(facecolor=ECLIPSE_COLOUR, alpha=ECLIPSE_ALPHA, label="eclipse"))
    figure.legend(
        handles=patches, loc="outside lower center", ncols=len(patches), fontsize=7, frameon=False
    )


def _marked(events: Sequence[Event]) -> list[Event]:
    """Warnings and worse, the worst first where there are too many to be read."""
    chosen = sorted(
        (e for e in events if e.severity in EVENT_COLOURS), key=lambda e: (-e.severity, e.time_ns)
    )
    return sorted(chosen[:EVENTS_MAX], key=lambda e: e.time_ns)


def _label_events(panel: Any, events: Sequence[Event], scale_s: float) -> None:
    """Name each mark above the first panel; marks that lie together share a label."""
    low, high = panel.get_xlim()
    near = (high - low) / 60.0
    groups: list[tuple[float, list[Event]]] = []
    for event in events:
        at = event.time_ns / NS_PER_S / scale_s
        if groups and at - groups[-1][0] < near:
            groups[-1][1].append(event)
        else:
            groups.append((at, [event]))
    for at, members in groups:
        worst = max(members, key=lambda e: e.severity)
        more = f" +{len(members) - 1}" if len(members) > 1 else ""
        panel.annotate(
            f"{worst.event_id} {worst.subject}{more}", (at, 1.0), (0.0, 3.0),
            xycoords=("data", "axes fraction"), textcoords="offset points", rotation=35,
            fontsize=7, color=EVENT_COLOURS[worst.severity], ha="left", va="bottom",
        )  # fmt: skip
