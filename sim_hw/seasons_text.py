"""Eclipse seasons as text and as JSON: what `nightside orbit` prints."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sim_hw.seasons import Season, Seasons
from sim_hw.seasons_surroundings import PASS_DAYS, surroundings_of_orbit
from sim_hw.sun import DAY_S

_COLUMNS = (
    "altitude km", "inclination", "period s", "|beta|", "eclipse days", "longest min", "sunlit %"
)  # fmt: skip


def seasons_text(found: Seasons) -> str:
    """Return what one orbit goes through, a line for each fact."""
    orbit = found.orbit
    low_deg, high_deg = found.beta_deg.min(), found.beta_deg.max()
    beta = f"{low_deg:+.2f} to {high_deg:+.2f} deg; no eclipse above"
    lines = [
        f"orbit      {orbit.source}",
        f"span       {_span(found)}",
        f"period     {orbit.period_s:.2f} s",
        f"beta       {beta} {orbit.beta_critical_deg:.2f}",
        f"eclipses   {found.entry_s.size} in {found.eclipse_days:.1f} days",
    ]
    lines += [f"  season   {_season(orbit.epoch_utc, season)}" for season in found.seasons()]
    if found.longest_s:
        at = int(found.eclipse_s.argmax())
        lines.append(
            f"longest    {_length(found.longest_s)} on "
            f"{_day(orbit.epoch_utc, float(found.time_s[at]))}; "
            f"penumbra {_penumbra_s(found, at):.1f} s at each end"
        )
    lines.append(f"sunlit     {100.0 * found.sunlit_ratio:.2f} % of the time")
    around = surroundings_of_orbit(orbit)
    lines.append(
        f"anomaly    {around.passes_per_day:.1f} passes a day, "
        f"{100.0 * around.anomaly_ratio:.1f} % of the time, longest "
        f"{_length(around.longest_pass_s)}; first {PASS_DAYS:.0f} days"
    )
    lines.append(
        f"sink       {around.sink_temp_k_min:.0f} to {around.sink_temp_k_max:.0f} K, radiator "
        "edge-on; first orbit"
    )
    return "\n".join(lines)


def seasons_table(several: Sequence[Seasons]) -> str:
    """Return a line for each of several orbits."""
    rows = [_COLUMNS, *(_row(found) for found in several)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join((_span(several[0]), *lines))


def seasons_json(found: Seasons) -> dict[str, Any]:
    """Return the same as values; times are in s after `epoch_utc`."""
    orbit = found.orbit
    around = surroundings_of_orbit(orbit)
    return {
        "source": orbit.source,
        "epoch_utc": orbit.epoch_utc.isoformat(),
        "span_s": found.span_s,
        "sun": found.sun,
        "shadow": found.shadow,
        "altitude_km": round(orbit.altitude_km, 3),
        "period_s": round(orbit.period_s, 3),
        "beta_deg_min": round(float(found.beta_deg.min()), 4),
        "beta_deg_max": round(float(found.beta_deg.max()), 4),
        "beta_deg_critical": round(orbit.beta_critical_deg, 4),
        "eclipse_count": int(found.entry_s.size),
        "eclipse_days": round(found.eclipse_days, 3),
        "eclipse_s_max": round(found.longest_s, 3),
        "sunlit_ratio": round(found.sunlit_ratio, 6),
        "anomaly_passes_per_day": round(around.passes_per_day, 3),
        "anomaly_ratio": round(around.anomaly_ratio, 5),
        "anomaly_pass_s_max": round(around.longest_pass_s, 1),
        "sink_temp_k_min": round(around.sink_temp_k_min, 2),
        "sink_temp_k_max": round(around.sink_temp_k_max, 2),
        "seasons": [
            {
                "begin_s": round(season.begin_s, 1),
                "end_s": round(season.end_s, 1),
                "eclipse_count": season.eclipse_count,
                "eclipse_s_max": round(season.longest_s, 3),
                "longest_at_s": round(season.longest_at_s, 1),
            }
            for season in found.seasons()
        ],
    }


def _span(found: Seasons) -> str:
    days = f"{_day(found.orbit.epoch_utc)}, {found.span_s / DAY_S:.0f} days"
    return f"{days}; Sun {found.sun}, shadow {found.shadow}"


def _row(found: Seasons) -> tuple[str, ...]:
    orbit, beta = found.orbit, abs(found.beta_deg)
    return (
        f"{orbit.altitude_km:.0f}",
        f"{orbit.inclination_deg:.3f}",
        f"{orbit.period_s:.2f}",
        f"{beta.min():.2f} to {beta.max():.2f}",
        f"{found.eclipse_days:.1f}",
        f"{found.longest_s / 60.0:.2f}",
        f"{100.0 * found.sunlit_ratio:.2f}",
    )


def _season(epoch_utc: datetime, season: Season) -> str:
    return (
        f"{_day(epoch_utc, season.begin_s)} to {_day(epoch_utc, season.end_s)}: "
        f"{season.eclipse_count} eclipses, longest {_length(season.longest_s)} on "
        f"{_day(epoch_utc, season.longest_at_s)}"
    )


def _penumbra_s(found: Seasons, at: int) -> float:
    return 0.5 * float(found.penumbra_s[at] - found.umbra_s[at])


def _length(seconds: float) -> str:
    return f"{seconds / 60.0:.2f} min"


def _day(epoch_utc: datetime, time_s: float = 0.0) -> str:
    return f"{epoch_utc + timedelta(seconds=time_s):%Y-%m-%d}"
