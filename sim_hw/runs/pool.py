"""Worker processes that take tasks one by one; one that dies loses its own task and no other.

The pool of the standard library gives up as a whole when one of its processes is killed. Processes
are spawned, not forked: each is as fresh as a command of its own. Ctrl-C reaches the parent alone,
which then ends all of them; they end by themselves when the parent has died.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

TaskT = TypeVar("TaskT")
AnswerT = TypeVar("AnswerT")
Tell = Callable[[Any], None]

_NOTE, _ANSWER = "note", "answer"
_END_S = 10.0  # for a process to end that has been told to, or killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """Instead of an answer: the process ended first. exit_code: negative is a signal."""

    exit_code: int

    @property
    def text(self) -> str:
        """What happened, in words."""
        if self.exit_code >= 0:
            return f"its process ended with exit code {self.exit_code}"
        try:
            name = signal.Signals(-self.exit_code).name
        except ValueError:
            name = f"signal {-self.exit_code}"
        return f"its process was ended by {name}"


@dataclass(kw_only=True)
class _Worker:
    process: BaseProcess
    connection: "Connection[Any, Any]"
    index: int = 0  # of the task under way


class Pool(Generic[TaskT, AnswerT]):
    """Runs `work(task, tell)` for many tasks in some processes.

    Args:
        work: A function of a module, which each process imports. What it tells reaches `on_note` of
            the parent; it must tell something now and then, for so it learns that the parent died.
        jobs: So many at a time.
    """

    def __init__(self, work: Callable[[TaskT, Tell], AnswerT], *, jobs: int) -> None:
        self._work = work
        self._jobs = jobs
        self._context = get_context("spawn")
        self._workers: list[_Worker] = []

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes at work."""
        return tuple(worker.process.pid or 0 for worker in self._workers)

    def run(
        self,
        tasks: Sequence[TaskT],
        *,
        on_start: Callable[[int], None] = lambda _index: None,
        on_note: Callable[[int, Any], None] = lambda _index, _note: None,
    ) -> Iterator[tuple[int, AnswerT | Died]]:
        """Yield (index of the task, answer) as they come.

        Closing the iterator, or any exception such as KeyboardInterrupt, kills what is under way.

        Args:
            on_start, on_note: Called with the index of a task that is handed out, or tells a note.
        """
        waiting = iter(range(len(tasks)))
        try:
            for _ in range(min(self._jobs, len(tasks))):
                self._next(tasks, waiting, on_start)
            while self._workers:
                for worker in self._ready():
                    kind, content = _receive(worker)
                    if kind == _NOTE:
                        on_note(worker.index, content)
                        continue
                    index = worker.index  # of the task that is done; the next line gives another
                    self._next(tasks, waiting, on_start, self._living(worker, content))
                    yield index, content
        finally:
            self._kill()

    def _next(
        self,
        tasks: Sequence[TaskT],
        waiting: Iterator[int],
        on_start: Callable[[int], None],
        worker: _Worker | None = None,
    ) -> None:
        """Give a worker, or a new one, the next task; send it home when there is none."""
        index = next(waiting, None)
        if index is None:
            if worker is not None:
                self._dismiss(worker)
            return
        on_start(index)
        worker = worker or self._start()
        worker.index = index
        with contextlib.suppress(OSError):  # it has just died: the next look at it says so
            worker.connection.send(tasks[index])

    def _living(self, worker: _Worker, content: Any) -> _Worker | None:
        if not isinstance(content, Died):
            return worker
        self._workers.remove(worker)
        return None

    def _start(self) -> _Worker:
        resource_tracker.ensure_running()  # its start would let SIGINT through again
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._work), daemon=True)
        # A process inherits what is blocked: Ctrl-C in the terminal never reaches it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
            worker = _Worker(process=process, connection=ours)
            self._workers.append(worker)
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return worker

    def _ready(self) -> list[_Worker]:
        ready = wait([worker.connection for worker in self._workers])
        return [worker for worker in self._workers if worker.connection in ready]

    def _dismiss(self, worker: _Worker) -> None:
        worker.connection.close()  # it reads the end and returns
        worker.process.join(_END_S)
        self._workers.remove(worker)

    def _kill(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(_END_S)
            worker.connection.close()
        self._workers.clear()


def _receive(worker: _Worker) -> tuple[str, Any]:
    """Return a note or an answer; of a worker that died, Died as its answer."""
    try:
        kind, content = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join(_END_S)
        worker.connection.close()
        code = worker.process.exitcode
        return _ANSWER, Died(exit_code=-signal.SIGKILL if code is None else code)
    return kind, content


def _serve(connection: "Connection[Any, Any]", work: Callable[[Any, Tell], Any]) -> None:
    def tell(note: Any) -> None:
        try:
            connection.send((_NOTE, note))
        except OSError:
            os._exit(1)  # the parent has died: nobody waits for the rest

    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        answer = work(task, tell)
        try:
            connection.send((_ANSWER, answer))
        except OSError:
            return
