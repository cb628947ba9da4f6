"""Write docs/reference/comparisons.md from the figures that `make compare` left in build/verify."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.verify import ai1  # noqa: E402 - the repository is no package

PAGE = ROOT / "docs" / "reference" / "comparisons.md"
HEAD = """\
# Comparisons

The plant beside others, run by `make verify` (alone: `make compare`, two minutes). The page is
made by `tools/comparisons.py` from the figures of the last run, and each run holds it to its own.

| against | what | difference | limit |
|---|---|---|---|
"""
TAIL = """
**skyfield** flies the same element sets (SGP4) with its own frames, Sun (DE421) and shadow: a
sphere and a point Sun. Edges are compared for eclipses of more than three minutes; a shorter one
grazes, and where its edges are depends on metres.

**Basilisk** flies a polar orbit of 550 km in the field of a point, and its own eclipse, solar
panel, load and battery; from us it has the Sun's positions. Its battery knows no losses, so that
ours has efficiencies of 1 and no resistance there; losses have [check cases](check-cases.md) 13 and
14. It is taken from PyPI (`bsk`, ISC) into `build/basilisk`; where it cannot be installed the
comparison says NOT RUN and fails.

**SGP4** is the plant's own path, stepped over the year; the closed form of `nightside orbit`
leaves out drag and the waves of J2 within an orbit.

**Closed forms**: a plate that radiates to a sink, in time and along a flow; the four nodes of an
accelerator's stack, by eigenvalues.

**400 cells**: one fin cut finer, solved by Newton's method.

**1388 cells at 0.05 s**: the loop of REF-1 cut so that coolant moves one cell in a step, which
carries a front exactly.
"""


def main() -> int:
    """Write the page; 1: there are no figures."""
    found = sorted((ROOT / "build" / "verify").glob("*.json"))
    if not found:
        sys.stderr.write("comparisons.py: no figures in build/verify; run make compare\n")
        return 1
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in found]
    lines = [
        f"| {row['against']} | {row['what']} | {abs(row['value']):.2g} {row['unit']} | "
        f"{row['limit']:g} {row['unit']} |\n"
        for row in sorted(rows, key=lambda row: (row["against"].lower(), row["what"]))
    ]
    PAGE.write_text(HEAD + "".join(lines) + TAIL + "\n" + ai1.section(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
