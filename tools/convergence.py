"""Print how the thermal plant's results depend on the step and on the number of nodes.

Usage: python tools/convergence.py; docs/design/simulation.md holds its tables.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.unit.heat_convergence import by_nodes, by_step


def main() -> int:
    """Print both tables."""
    for title, rows in (("step, s", by_step()), ("nodes", by_nodes())):
        print(f"| {title} | hottest core, K | supply, K |\n|---|---|---|")
        for row in rows:
            print(f"| {row.value:g} | {row.core_k:.2g} | {row.supply_k:.2g} |")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
