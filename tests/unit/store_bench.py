"""A host with a clock, and a disk that stays, for stores that come and go."""

from flight.core.types import Event, Mode
from flight.services.slot_file import FileSystem, MemoryFiles
from flight.services.store import HostBoot, Store
from flight.services.stored_state import (
    Inhibit,
    OperatorLimit,
    ParameterSet,
    RunPhase,
    StoredState,
)
from tests.unit.slot_disk import PATH

NS_PER_S = 1_000_000_000
SLOT_BYTES = 1024

FULL = StoredState(
    boot_count=3,
    run_count=12,
    host_boot_id="boot-1",
    run_phase=RunPhase.RUNNING,
    mode=Mode.SAFE,
    starts_ns=(5 * NS_PER_S, 9 * NS_PER_S),
    attempt_ns=9 * NS_PER_S,
    is_backing_off=True,
    budgets_ns={"process": (4 * NS_PER_S,)},
    latched=("accel3", "payload_54v"),
    retired=("accel5",),
    operator_limits=(OperatorLimit("accel1", 300.0, "ops", 100 * NS_PER_S),),
    counters={"key1": 2**40},
    parameters=ParameterSet({"guard.setpoint_c": 80.0}, {"loop.lead_pump": "b"}, {}, 7),
    element_set="NODE\n1 ...\n2 ...",
    disabled=("accel2",),
    budget_w=4000.0,
    inhibits=(Inhibit("guard", 70 * NS_PER_S),),
    inhibited_faults=(Inhibit("loop.leak", 60 * NS_PER_S),),
)


class Bench:
    """A host with a clock, a disk that stays, and stores that come and go."""

    def __init__(self, files: FileSystem | None = None, boot_id: str = "boot-1") -> None:
        self.files = MemoryFiles() if files is None else files
        self.boot_id = boot_id
        self.now_ns = 10 * NS_PER_S
        self.events: list[Event] = []

    def store(self, **options) -> Store:
        return Store(
            PATH,
            host=HostBoot(boot_id=self.boot_id, now_ns=lambda: self.now_ns),
            now_ns=lambda: self.now_ns,
            on_event=self.events.append,
            files=self.files,
            slot_bytes=SLOT_BYTES,
            **options,
        )

    def opened(self, **options) -> Store:
        opened = self.store(**options)
        opened.open()
        return opened

    def holding(self, *states: StoredState) -> "Bench":
        kept = self.opened()
        for state in states:
            kept.state = state
            assert kept.commit()
        return self

    def ids(self) -> list[str]:
        return [event.event_id for event in self.events]
