"""Write the table of sizes in docs/reference/nodes.md from the shipped configurations."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.unit.node_sizes import PAGE, ROWS, page  # noqa: E402


def main() -> int:
    """Write the table into its page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(ROWS)} sizes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
