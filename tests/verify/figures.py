"""Figures of the comparisons: printed, held to the page of them, and kept for its next edition."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "verify"
PAGE = ROOT / "docs" / "reference" / "comparisons.md"
_DRIFT_RATIO = 0.05  # of the limit: what versions of numpy and of the references may move


def keep_figure(what: str, *, against: str, value: float, limit: float, unit: str) -> None:
    """Print and keep a figure, then assert that it is inside its limit and near the page's."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    row = {"what": what, "against": against, "value": value, "limit": limit, "unit": unit}
    name = "".join(c if c.isalnum() else "_" for c in f"{against} {what}".lower())
    (FOLDER / f"{name}.json").write_text(json.dumps(row), encoding="utf-8")
    print(f"{against}: {what}: {value:.3g} {unit} (limit {limit:g})")
    assert abs(value) <= limit, f"{against}: {what}: {value} {unit}, limit {limit}"
    written = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| {against} | {what} | ")
        and line.endswith(f" | {limit:g} {unit} |")
    ]  # fmt: skip
    assert len(written) == 1, "the page lacks it; run tools/comparisons.py"
    told = float(written[0].split(" | ")[2].split(" ")[0])
    assert abs(abs(value) - told) <= _DRIFT_RATIO * limit, "the page says otherwise"
