"""Rows of measured values against their budgets: printed for people, as JSON for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path("build") / "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured value.

    Args:
        budget: Must be kept; None: the row only informs. goal: what is wanted in the end.
        is_more_better: True for a rate, False for a cost.
    """

    name: str
    value: float
    unit: str
    budget: float | None = None
    goal: float | None = None
    is_more_better: bool = False

    @property
    def ok(self) -> bool:
        """Whether the budget is kept; a row without a budget is always good."""
        return self._keeps(self.budget)

    @property
    def verdict(self) -> str:
        """`goal`, `ok` or `OVER`, empty without a budget."""
        if self.budget is None:
            return ""
        if not self.ok:
            return "OVER"
        return "goal" if self.goal is not None and self._keeps(self.goal) else "ok"

    def _keeps(self, bound: float | None) -> bool:
        if bound is None:
            return True
        return self.value >= bound if self.is_more_better else self.value <= bound


def report(name: str, title: str, rows: Sequence[Row]) -> bool:
    """Print the rows, write build/bench/NAME.json, and return whether every budget is kept."""
    width = max(len(row.name) for row in rows)
    print(f"\n{title}")
    print(f"  {'':{width}}  {'value':>10}  {'budget':>8}  {'goal':>8}  unit")
    for row in rows:
        print(
            f"  {row.name:{width}}  {row.value:10.4g}  {_bound(row.budget):>8}  "
            f"{_bound(row.goal):>8}  {row.unit:<32}{row.verdict}".rstrip()
        )
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps([_record(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    print(f"written to {path}")
    return all(row.ok for row in rows)


def _record(row: Row) -> dict[str, object]:
    record = asdict(row)
    del record["is_more_better"]
    return {**record, "ok": row.ok}


def _bound(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"
