"""What worker processes do in tests: by name of a module, since each process imports it anew."""

import os
import signal

from sim_hw.runs.worker import Outcome, Run, fly_run

FAILING_SEED, KILLED_SEED = 8, 9


def fly_with_accidents(run: Run, tell) -> Outcome:
    """Fly, but one seed is killed on its way and another has a bug."""

    def tell_and_fall(_flown_s):
        tell(1.0)

    if run.seed == KILLED_SEED:
        os.kill(os.getpid(), signal.SIGKILL)
    if run.seed == FAILING_SEED:
        run = Run(seed=run.seed, folder=run.folder, request=None)  # type: ignore[arg-type]
    return fly_run(run, tell_and_fall)
