"""Write docs/reference/check-cases.md: what the simulation gives for each check case."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.check_cases.table import CASES, PAGE, measured, page  # noqa: E402


def main() -> int:
    """Write the page; 1: a case does not hold, and the page is left as it is."""
    wrong = [case.name for case in CASES if not case.holds(measured(case))]
    if wrong:
        sys.stderr.write("".join(f"check_cases.py: {name} does not hold\n" for name in wrong))
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(CASES)} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
