"""Which recording a daemon writes: its file, what it says of itself, and what it is refused for."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flight.config import NodeConfig, config_hash
from flight.core.points import PointTable
from flight.core.state import State
from flight.daemon_place import NoRecorder, Place
from flight.dictionary.packets import PACKETS, dictionary_hash
from flight.flights import RECORDING_NAME
from flight.operator_error import OperatorError
from flight.services.recorder_queue import RecorderBatch, RecorderThread
from flight.services.recording_file import Found, look_at
from flight.services.recording_schema import RecordingInfo
from flight.services.time_source import TimeSource
from flight.version import VERSION

NS_PER_S = 1_000_000_000


def make_recorder(
    config: NodeConfig, info: RecordingInfo, place: Place, state: Callable[[], State]
) -> RecorderBatch | RecorderThread | NoRecorder:
    """Return what records: in virtual time on the caller, else in a thread of its own.

    Args:
        state: Returns the state of the core, which a run begins with.
    """
    if not config.recorder.enabled:
        return NoRecorder()
    path = place.folder / RECORDING_NAME
    quota_mib = config.recorder.quota_mib
    recorder: RecorderBatch | RecorderThread
    if place.is_virtual:
        recorder = RecorderBatch(path, info, quota_mib=quota_mib)
    else:
        commit_ns = round(config.recorder.commit_s * NS_PER_S)
        recorder = RecorderThread(path, info, commit_every_ns=commit_ns, quota_mib=quota_mib)
    recorder.watch_state(state)
    return recorder


def recording_info(
    config: NodeConfig, table: PointTable, place: Place, time: TimeSource
) -> RecordingInfo:
    """Return what a run says of itself, under the configuration in force."""
    utc_ns, trusted = time.stamp()
    start = datetime.fromtimestamp(utc_ns / NS_PER_S, UTC).isoformat("T", "milliseconds")
    return RecordingInfo(
        points=table,
        accelerators=config.node.accelerator_count,
        config_text=config.model_dump_json(),
        config_hash=config_hash(config),
        seed=place.seed,
        dictionary_hash=dictionary_hash(table, PACKETS),
        session_id=place.session_id,
        start_utc=start if trusted or place.is_virtual else "",
        simulated=place.simulated,
        version=VERSION,
        period_ns=round(config.cycle.period_s * NS_PER_S),
    )


def refuse_foreign(folder: Path, config: NodeConfig) -> None:
    """Raise OperatorError where the recording would go over what is not ours.

    Before anything else: the mistake of an operator is no crash to be counted.
    """
    path = folder / RECORDING_NAME
    if config.recorder.enabled and look_at(path) is Found.FOREIGN:
        raise OperatorError(f"{path}: is there and is no recording; move it away")
