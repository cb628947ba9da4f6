"""Draw a long plan of faults: `draw_fault_plan.py > examples/scenarios/three_days.toml`."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sim_hw.fault_plan import DAY_S, THREE_DAYS_SEED, plan_text  # noqa: E402


def main() -> int:
    """Write the scenario to standard output; 2: the faults do not fit into the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=THREE_DAYS_SEED)
    parser.add_argument("--days", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=2, help="how often each kind strikes")
    options = parser.parse_args()
    try:
        text = plan_text(seed=options.seed, duration_s=options.days * DAY_S, rounds=options.rounds)
    except ValueError as error:
        sys.stderr.write(f"draw_fault_plan.py: {error}; give more days or fewer rounds\n")
        return 2
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
