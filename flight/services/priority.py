"""Real-time priority of the thread that runs the loop, where the configuration asks for it.

At normal priority the scheduler shares the processor fairly, so beside busy processes a cycle
starts some tens of milliseconds late. With SCHED_FIFO it starts before all normal ones. Threads
that it starts (recorder, store) stay normal: none of them may keep the processor from others.
"""

import os

_MEND = "allow it (LimitRTPRIO= of the unit, or CAP_SYS_NICE) or set supervision.realtime_priority"


def take_priority(priority: int) -> str:
    """Give the calling thread a real-time priority; return why it was refused, "" when it was not.

    Args:
        priority: 1 to 99 of SCHED_FIFO; 0 leaves everything as it is.
    """
    if priority == 0:
        return ""
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except PermissionError:
        return f"priority {priority} is not permitted: {_MEND} = 0"
    except OSError as error:
        return f"priority {priority}: {error.strerror or error}"
    return ""
