"""Holds the coverage of the last test run against what is asked: `make test` runs it.

Lines are counted over all of flight/ and all of sim_hw/, branches over flight/core alone: what
decides is looked at more closely than what carries.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FLIGHT, CORE, SIMULATION = "flight/", "flight/core/", "sim_hw/"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures and the files with most left; return 1 when one is too low."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=float, required=True, metavar="PERCENT")
    parser.add_argument("--sim-lines", type=float, required=True, metavar="PERCENT")
    parser.add_argument("--branches", type=float, required=True, metavar="PERCENT")
    parser.add_argument("--worst", type=int, default=8, help="how many files to name")
    options = parser.parse_args(arguments)
    files: dict[str, Any] = _report()["files"]
    lines = _percent(_under(files, FLIGHT), "covered_lines", "num_statements")
    sim_lines = _percent(_under(files, SIMULATION), "covered_lines", "num_statements")
    branches = _percent(_under(files, CORE), "covered_branches", "num_branches")
    left = sorted(files, key=lambda name: -files[name]["summary"]["missing_lines"])
    for name in left[: options.worst]:
        missing = files[name]["summary"]["missing_lines"]
        sys.stdout.write(f"  {missing:4} lines not run in {name}\n" if missing else "")
    is_good = _say("lines of flight", lines, options.lines)
    is_good &= _say("lines of sim_hw", sim_lines, options.sim_lines)
    is_good &= _say("branches of flight/core", branches, options.branches)
    return 0 if is_good else 1


def _report() -> dict[str, Any]:
    command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", "-"]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return found


def _under(files: Mapping[str, Any], folder: str) -> list[dict[str, Any]]:
    return [found for name, found in files.items() if Path(name).as_posix().startswith(folder)]


def _percent(files: Iterable[dict[str, Any]], covered: str, total: str) -> float:
    summaries = [found["summary"] for found in files]
    count = sum(summary[total] for summary in summaries)
    if not count:
        raise SystemExit(f"coverage: no {total} found; was the run made with --cov?")
    return 100.0 * float(sum(summary[covered] for summary in summaries)) / count


def _say(what: str, percent: float, minimum: float) -> bool:
    is_good = percent >= minimum
    verdict = "" if is_good else "  TOO LOW"
    sys.stdout.write(f"  {percent:5.1f} % of the {what} (at least {minimum:g} %){verdict}\n")
    return is_good


if __name__ == "__main__":
    raise SystemExit(main())
