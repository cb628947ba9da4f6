"""`nightside sim --realtime --nvml-shell`: a shell in which NVML tools see a flight's accelerators.

The flight runs in this process, paced by the wall clock; the shell is its child and ends it. The
child's environment names the plant image (sim_hw/plant_share.py) and puts a folder with the
simulated libnvidia-ml.so in front of the loader's path: nothing else on the host sees it.
Until all accelerators answer and have work, the flight runs as fast as it goes, so that the first
look finds them. The flight writes nothing to the terminal while the shell lives.
"""

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from flight.log import configure_logging
from sim_hw.devices import NVML_LIBRARY
from sim_hw.flight import Flight, FlightSetup
from sim_hw.flight_runner import FlightRunner
from sim_hw.fly import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK, FlightRequest, prepare, summarise
from sim_hw.fly_output import SUMMARY_NAME, prepare_folder
from sim_hw.plant_share import SHARE_VARIABLE
from sim_hw.summary import write_summary

NS_PER_S = 1_000_000_000
LIBRARY_NAMES = ("libnvidia-ml.so", "libnvidia-ml.so.1")  # clients open the one or the other
WITHOUT_END_S = 10 * 365 * 86400  # longer than any shell
START_NS_MAX = 180 * NS_PER_S  # a scenario may leave them off or idle: the shell comes anyway
PACE_SLICE_S = 0.02  # how soon the end of the shell is noticed
HANG_UP_S = 2.0  # how long a child may take to end when it is told to
SIGNAL_BASE = 128  # exit code of a command that a signal ended, as shells count it


def fly_with_shell(request: FlightRequest, command: Sequence[str]) -> int:
    """Fly in real time until the shell ends, and return its exit code.

    Args:
        request: `duration` None: the flight has no end of its own. When it ends before the shell,
            the tools in the shell find their accelerators lost.
        command: What to run instead of a shell; empty: an interactive $SHELL.

    Raises:
        OperatorError: the request cannot be used; nothing was flown then.
    """
    setup, name = prepare(request)
    if request.duration is None:
        setup = _without_end(setup)
    log = io.StringIO()
    configure_logging(level="error", stream=log)  # shown when the terminal is ours again
    folder = prepare_folder(request.out or Path("flights") / f"{name}-seed{setup.plan.seed}")
    shell = _Shell(command, speed=request.realtime_speed or 1.0)
    runner = FlightRunner(setup, folder, on_cycle=shell.step)
    shell.runner = runner
    with runner.flight, library_folder() as libraries, shell.handles_signals():
        image = runner.flight.node.image
        shell.environment = shell_environment(os.environ, libraries, image.share.path)
        flown = runner.fly_virtual(pace=shell.pace)
        if shell.told:
            raise SystemExit(shell.told)
        image.share.end()
        exit_code = shell.wait()
        if flown.bug is None:
            write_summary(summarise(flown), folder / SUMMARY_NAME)
    sys.stderr.write(log.getvalue())
    if flown.bug is not None:
        traceback.print_exception(flown.bug)
        sys.stderr.write("nightside: this is a bug in nightside, not in your input\n")
        return exit_code or EXIT_BUG
    if exit_code is None:  # the flight ended before there was a shell
        return EXIT_INTERRUPTED if flown.interrupted else EXIT_OK
    if not command:
        sys.stderr.write(f"nightside: the flight ended with the shell; written to {folder}/\n")
    return exit_code


@contextmanager
def library_folder() -> Iterator[Path]:
    """Provide a private folder in which the loader finds the simulated library by NVML's names."""
    with tempfile.TemporaryDirectory(prefix="nightside-nvml-") as text:
        folder = Path(text)
        for library_name in LIBRARY_NAMES:
            (folder / library_name).symlink_to(NVML_LIBRARY)
        yield folder


def shell_environment(
    environment: Mapping[str, str], libraries: Path, share_path: str
) -> dict[str, str]:
    """Return an environment whose programs load the simulated library and map that plant image."""
    before = environment.get("LD_LIBRARY_PATH")
    return {
        **environment,
        "LD_LIBRARY_PATH": f"{libraries}:{before}" if before else str(libraries),
        SHARE_VARIABLE: share_path,
    }


class _Shell:
    """The child process, the pace of the flight around it, and who gets Ctrl-C."""

    def __init__(self, command: Sequence[str], *, speed: float) -> None:
        self.environment: dict[str, str] = {}
        self.runner: FlightRunner | None = None
        self.told = 0  # to end: the exit code
        self._command = list(command)
        self._speed = speed
        self._child: subprocess.Popen[bytes] | None = None
        self._exit_code: int | None = None  # of a command that could not be started
        self._start_s = 0.0
        self._start_ns = 0

    def step(self, flight: Flight, now_ns: int) -> None:
        """Take one cycle of the flight: start the child when it is time, stop when it ended."""
        if self._is_over() or self.told:
            assert self.runner is not None
            self.runner.stop()
        elif self._child is None:
            truth = flight.node.image.truth
            are_at_work = truth.accel_alive.all() and truth.accel_utilisation_ratio.any()
            if are_at_work or now_ns >= START_NS_MAX:
                self._start_s, self._start_ns = time.monotonic(), now_ns
                self._start()

    def pace(self, to_ns: int) -> None:
        """Sleep until virtual time may pass; not at all before the child or after it."""
        while self._child is not None and not self._is_over() and not self.told:
            due_s = self._start_s + (to_ns - self._start_ns) / NS_PER_S / self._speed
            left_s = due_s - time.monotonic()
            if left_s <= 0.0:
                return
            time.sleep(min(left_s, PACE_SLICE_S))

    def wait(self) -> int | None:
        """Wait for the child and return its exit code as a shell would; None: there was none."""
        if self._child is None:
            return self._exit_code
        code = self._child.wait()
        return code if code >= 0 else SIGNAL_BASE - code

    @contextmanager
    def handles_signals(self) -> Iterator[None]:
        """Leave Ctrl-C to the child once there is one, as a shell does with its commands.

        When this process is told to end, the child is too, and what was made is taken away.
        """
        handlers = {
            signal.SIGINT: self._interrupted,
            signal.SIGTERM: self._told_to_end,
            signal.SIGHUP: self._told_to_end,
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            self._hang_up()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hang_up(self) -> None:
        """End a child that is left; an interactive shell heeds this signal and not SIGTERM.

        One that ignores it, as whatever `nohup` started does, is killed.
        """
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGHUP)
            try:
                self._child.wait(timeout=HANG_UP_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self._child is None:
            self._told_to_end(number, frame)

    def _told_to_end(self, number: int, _frame: FrameType | None) -> None:
        """Let the next cycle end the flight: an exception here would strike whichever task runs."""
        self.told = SIGNAL_BASE + number

    def _is_over(self) -> bool:
        if self._child is None:
            return self._exit_code is not None
        return self._child.poll() is not None

    def _start(self) -> None:
        command = self._command
        if not command:
            command = [os.environ.get("SHELL") or "/bin/sh"]
            sys.stderr.write(
                "nightside: 8 simulated accelerators; try nvitop, gpustat or nvidia-ml-py. "
                "Leave the shell to end the flight.\n"
            )
            sys.stderr.flush()
        try:
            self._child = subprocess.Popen(command, env=self.environment)  # noqa: S603
        except OSError as error:
            sys.stderr.write(f"nightside: {command[0]}: cannot be run: {error.strerror}\n")
            self._exit_code = 127 if isinstance(error, FileNotFoundError) else 126


def _without_end(setup: FlightSetup) -> FlightSetup:
    plan = replace(setup.plan, duration_ns=WITHOUT_END_S * NS_PER_S)
    return replace(setup, plan=plan)
