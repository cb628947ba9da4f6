"""Processes killed with -9 while they write a store on a real disk, again and again."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from flight.services.boot import this_host_boot
from flight.services.store import Store
from flight.services.stored_state import RunPhase

KILLS = 6
WRITER = """
import sys
from pathlib import Path
from flight.services.boot import Boot, this_host_boot
from flight.services.store import Store
host = this_host_boot()
store = Store(Path(sys.argv[1]), host=host, now_ns=host.now_ns)
Boot(store, host, now_ns=host.now_ns).begin()
count = store.state.counters.get("writes", 0)
while True:
    count += 1
    store.update(counters={"writes": count, "twice": 2 * count})
    if store.commit():
        print(count, flush=True)
"""


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    path, seed = tmp_path / "node.state", 7
    draw, acknowledged = Random(seed), 0
    for trial in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, path],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            for _ in range(draw.randint(1, 60)):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            for line in process.stdout:  # written before the kill took effect
                acknowledged = int(line)
        host = this_host_boot()
        store = Store(path, host=host, now_ns=host.now_ns)
        state, _ = store.open()
        writes = state.counters["writes"]
        where = f"trial {trial} of seed {seed}: {state}"
        assert acknowledged <= writes <= acknowledged + 1, where
        assert state.counters["twice"] == 2 * writes, where
        assert state.run_phase is RunPhase.STARTING and store.is_same_boot, where
        assert len(state.starts_ns) == trial and state.run_count == trial + 1, where
