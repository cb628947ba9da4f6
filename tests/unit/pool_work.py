"""What worker processes do in tests: by name of a module, since each process imports it anew."""

import os
import signal
import time


def do(task, tell):
    """Do what a word says."""
    match task:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "leave":
            raise SystemExit(4)
        case "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        case "wait":
            tell(os.getpid())
            signal.pause()
        case "talk":
            while True:
                tell(os.getpid())
                time.sleep(0.01)
    tell("done")
    return task, os.getpid()
