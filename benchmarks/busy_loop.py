"""A bare busy loop, for comparison: `python busy_loop.py START DURATION`.

It counts from one time of the monotonic clock for so many seconds and prints how far it came, and
what share of a core it was given.
"""

import sys
import time

PASSES = 2000  # between two looks at the clock


def main() -> None:
    start_s, duration_s = float(sys.argv[1]), float(sys.argv[2])
    time.sleep(max(0.0, start_s - time.monotonic()))
    end_s, count, total = start_s + duration_s, 0, 0
    while time.monotonic() < end_s:
        for i in range(PASSES):
            total += i
        count += 1
    print(count, time.process_time() / duration_s)


if __name__ == "__main__":
    main()
