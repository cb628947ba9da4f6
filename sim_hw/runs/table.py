"""The table of many runs for people: 80 columns, coloured only on a terminal."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from sim_hw.energy import energy_text
from sim_hw.summary_text import PROPERTY_TITLES, WIDTH, duration_text, quantity_text

TRACE_DIGITS = 12  # of 32; runs.json has all
TOLD_MAX = 10  # runs that went wrong and are told one by one


def render_runs(found: Mapping[str, Any]) -> str:
    """Return the whole text, no line longer than 80 columns, no colour."""
    return "\n".join(_lines(found)) + "\n"


def print_runs(found: Mapping[str, Any], stream: TextIO) -> None:
    """Write the text; on a terminal what is good is green and what is not is red."""
    text = render_runs(found)
    if not stream.isatty():
        stream.write(text)
        return
    coloured = Text(text, end="")
    coloured.highlight_regex(r"(?m)^ALL GOOD.*$|(?<=  )good(?=  )", "green")
    bad = r"(?<=  )(?:unmet|violated|imbalance|refused|bug|died|not flown)(?=\s)"
    coloured.highlight_regex(rf"(?m)^NOT GOOD.*$|^  ! .*$|{bad}", "bold red")
    Console(file=stream, width=WIDTH, highlight=False, soft_wrap=True).print(coloured)


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield from textwrap.wrap(found["title"], WIDTH)
    count, first_seed = found["run_count"], found["first_seed"]
    runs = f"{count} runs" if count > 1 else "1 run"
    seeds = f"seeds {first_seed} to {first_seed + count - 1}" if count > 1 else f"seed {first_seed}"
    yield from textwrap.wrap(
        f"{found['orbit']}; {runs} of {duration_text(found['flight_s'])}, {seeds}, "
        f"{found['jobs']} at a time",
        WIDTH,
    )
    if found["interrupted"]:
        yield "Interrupted: what was under way was not finished."
    yield ""
    yield (
        f"{'run':<9}{'seed':>10}  {'trace':<{TRACE_DIGITS}}  {'verdict':<9}{'viol.':>5}"
        f"{'core':>7}{'draw':>7}{'charge':>8}{'CPU':>9}"
    )
    yield f"{'':47}{'°C max':>7}{'kW max':>7}{'% min':>8}{'s':>9}"
    yield from (_run_line(row) for row in found["runs"])
    yield from _error_lines(found["runs"])
    if found["properties"]:
        yield ""
        yield f"{'Safety, all runs':<34}{'closest':>10}  {'limit':<8} run, when and what"
        for name, result in found["properties"].items():
            yield _property_line(name, result)
    yield from ("", *_figures(found), "", _verdict(found))


def _run_line(row: Mapping[str, Any]) -> str:
    head = f"{row['run']:<9}{row['seed']:>10}  "
    if not row["peaks"]:
        return f"{head}{'':{TRACE_DIGITS}}  {row['verdict']}"
    peaks = row["peaks"]
    return (
        f"{head}{row['trace_hash'][:TRACE_DIGITS]}  {row['verdict']:<9}{row['violation_count']:>5}"
        f"{_number(peaks['core_temp_c_max']):>7}{_number(peaks['accelerators_w_max'], 1e-3, 2):>7}"
        f"{_number(peaks['charge_ratio_min'], 100.0):>8}{_number(row['cpu_s']):>9}"
    )


def _number(value: float | None, factor: float = 1.0, digits: int = 1) -> str:
    return "-" if value is None else f"{value * factor:.{digits}f}"


def _error_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    wrong = [(row, _why(row)) for row in rows if _why(row)]
    if wrong:
        yield ""
    for row, why in wrong[:TOLD_MAX]:
        yield from textwrap.wrap(f"  ! {row['run']}: {why}", WIDTH, subsequent_indent="    ")
    if len(wrong) > TOLD_MAX:
        yield f"  ! and {len(wrong) - TOLD_MAX} more in runs.json"


def _why(row: Mapping[str, Any]) -> str:
    """Return what to tell of a run besides its line; the last line of a bug's traceback."""
    if row["error"]:
        return str(row["error"]).strip().splitlines()[-1]
    broken = [name for name, result in row["properties"].items() if not result["ok"]]
    energy = row["energy"]
    parts = []
    if energy is not None and not energy["ok"]:
        parts.append(energy_text(energy["electrical_error_ratio"], energy["thermal_error_ratio"]))
    parts += [f"violated {', '.join(broken)}"] * bool(broken)
    parts += [f"unmet {', '.join(row['unmet'])}"] * bool(row["unmet"])
    return "; ".join(parts)


def _property_line(name: str, result: Mapping[str, Any]) -> str:
    is_tested = result["tested_count"] > 0
    mark = "FAIL" if result["violated_count"] else "ok  " if is_tested else "-   "
    title = f"  {mark} {name:<4}{PROPERTY_TITLES.get(name, ''):<24}"
    closest = result["closest"]
    if closest is None or closest["value"] is None or closest["limit"] is None:
        note = f"tested in {result['tested_count']} runs" if is_tested else "not put to the test"
        return f"{title}{'-':>10}  {note}"
    value = quantity_text(closest["value"], closest["unit"])
    limit = quantity_text(closest["limit"], closest["unit"])
    where = f"{closest['run'].removeprefix('run-')} {closest['time_s']:.1f} s {closest['subject']}"
    return f"{title}{value:>10}  {limit:<8} {where}"[:WIDTH]


def _figures(found: Mapping[str, Any]) -> Iterator[str]:
    wall_s, cpu_s = max(found["wall_s"], 1e-9), max(found["cpu_s"], 1e-9)
    yield (
        f"Speed   {found['simulated_s'] / cpu_s:.0f} simulated s per CPU s, "
        f"{found['simulated_s'] / wall_s:.0f} per s of wall time"
    )
    yield (
        f"Took    {found['cpu_s']:.1f} s of CPU, {found['wall_s']:.1f} s of wall time for "
        f"{duration_text(found['simulated_s'])} of flight"
    )


def _verdict(found: Mapping[str, Any]) -> str:
    count, good = found["run_count"], found["verdicts"]["good"]
    others = [f"{n} {kind}" for kind, n in found["verdicts"].items() if n and kind != "good"]
    word = "ALL GOOD" if found["ok"] else "NOT GOOD"
    return f"{word}: {', '.join([f'{good} of {count} runs good', *others])}"
