"""The faults of accelerators and of their management library, as data."""

from sim_hw.fault_kind import ACCELERATORS, FOREVER, FaultKind, Parameter

# Of the library's functions those that a driver calls for one accelerator: what can fail alone.
LIBRARY_FUNCTIONS = (
    "nvmlDeviceGetClockInfo",
    "nvmlDeviceGetCurrPcieLinkGeneration",
    "nvmlDeviceGetCurrPcieLinkWidth",
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetFieldValues",
    "nvmlDeviceGetHandleByPciBusId_v2",
    "nvmlDeviceGetMarginTemperature",
    "nvmlDeviceGetMaxClockInfo",
    "nvmlDeviceGetMemoryInfo_v2",
    "nvmlDeviceGetPersistenceMode",
    "nvmlDeviceGetPowerManagementLimit",
    "nvmlDeviceGetPowerManagementLimitConstraints",
    "nvmlDeviceGetTemperature",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceRegisterEvents",
    "nvmlDeviceSetGpuLockedClocks",
    "nvmlDeviceSetMemoryLockedClocks",
    "nvmlDeviceSetPersistenceMode",
    "nvmlDeviceSetPowerManagementLimit",
)

_CALLS = "calls"  # one place: what the calls to one accelerator answer
_ALL_OR_ONE = Parameter(
    name="function",
    unit="name of a library function that the driver calls for one accelerator",
    meaning="only this one; without it, all",
    default="",
    choices=LIBRARY_FUNCTIONS,
)
_CODE = Parameter(
    name="code",
    unit="NVML return code",
    meaning="10 time-out, 15 lost, 16 reset required, 999 unknown",
    low=1.0,
    high=999.0,
    default=15.0,
)


def _xid(default: float | None, low: float = 1.0) -> Parameter:
    return Parameter(
        name="code",
        unit="Xid",
        meaning="79 fallen off the bus, 48 uncorrectable memory error, 119 no answer of its"
        " controller",
        low=low,
        high=999.0,
        default=default,
    )


def _rate(name: str, what: str, high: float, default: float) -> Parameter:
    return Parameter(name=name, unit="1/s", meaning=what, low=0.0, high=high, default=default)


def _rows(name: str, what: str, default: float) -> Parameter:
    return Parameter(name=name, unit="rows", meaning=what, low=0.0, high=512.0, default=default)


def _flag(name: str, what: str) -> Parameter:
    return Parameter(name=name, unit="", meaning=what, default=False, is_flag=True)


def _kind(
    name: str, meaning: str, level: str, *parameters: Parameter, is_loud: bool, place: str = ""
) -> FaultKind:
    """Return a kind that strikes one accelerator."""
    return FaultKind(
        name=name,
        meaning=meaning,
        targets=(ACCELERATORS,),
        example="accel4",
        level=level,
        is_loud=is_loud,
        parameters=parameters,
        place=place,
    )


_LIBRARY_FAULTS = (
    _kind(
        "nvml_call_fails",
        "every call to one accelerator's management library answers an error",
        "library: return code of each call",
        _CODE,
        _ALL_OR_ONE,
        FOREVER,
        is_loud=True,
        place=_CALLS,
    ),
    _kind(
        "nvml_hang",
        "calls to one accelerator's management library do not come back",
        "library: return of each call; in the process that simulates, a time-out at once",
        _ALL_OR_ONE,
        FOREVER,
        is_loud=True,
        place=_CALLS,
    ),
    _kind(
        "nvml_slow",
        "calls to one accelerator's management library take long",
        "library: return of each call; not felt in the process that simulates",
        Parameter(
            name="delay_s", unit="s", meaning="of each call", low=0.001, high=600.0, default=1.0
        ),
        _ALL_OR_ONE,
        FOREVER,
        is_loud=False,
        place=_CALLS,
    ),
    _kind(
        "nvml_no_permission",
        "the library refuses whatever changes a setting of one accelerator",
        "library: return code of its setters",
        FOREVER,
        is_loud=True,
    ),
    FaultKind(
        name="nvml_driver_fails",
        meaning="library calls that name no accelerator answer an error, or never",
        targets=("nvml",),
        example="nvml",
        level="library: return of its own calls, such as the wait for events",
        is_loud=True,
        parameters=(
            Parameter(
                name="code",
                unit="NVML return code",
                meaning="9 driver not loaded, 999 unknown",
                low=1.0,
                high=999.0,
                default=999.0,
            ),
            _flag("hangs", "they do not come back instead"),
            FOREVER,
        ),
    ),
)

_BOARD_FAULTS = (
    _kind(
        "cap_ignored",
        "an accelerator reads its power cap back as set, but does not obey it",
        "accelerator: its own power control",
        FOREVER,
        is_loud=False,
    ),
    _kind(
        "cap_clamped",
        "an accelerator enforces a lower power cap than the one it was given",
        "accelerator: its own power control",
        Parameter(
            name="cap_w",
            unit="W",
            meaning="most that is enforced",
            low=1.0,
            high=700.0,
            default=300.0,
        ),
        FOREVER,
        is_loud=True,
    ),
    _kind(
        "accel_slowdown",
        "an accelerator halves its clock by itself, as for a power brake",
        "accelerator: its clock",
        FOREVER,
        is_loud=True,
    ),
    _kind(
        "accel_lost",
        "an accelerator falls off its bus: an Xid, then every call says lost, until its rails were"
        " off",
        "accelerator: its link; it draws power on",
        _xid(79.0),
        FOREVER,
        is_loud=True,
        place=_CALLS,
    ),
    _kind(
        "accel_xid",
        "an accelerator reports an Xid and works on",
        "accelerator: its error report",
        _xid(None),
        is_loud=True,
    ),
    _kind(
        "ecc_errors",
        "memory errors are counted, corrected and uncorrected ones",
        "accelerator: its memory's counters, which never go back",
        _rate("corrected_per_s", "corrected errors", 1e6, 100.0),
        _rate("uncorrected_per_s", "uncorrected errors", 1e3, 0.0),
        FOREVER,
        is_loud=True,
    ),
    _kind(
        "row_remap",
        "rows of memory are remapped; counts stay, the rest until a reset or its rails were off",
        "accelerator: its memory's row remapper",
        _rows("corrected_count", "remapped for corrected errors", 0.0),
        _rows("uncorrected_count", "remapped for uncorrected errors", 1.0),
        _flag("is_pending", "a row waits for the next reset"),
        _flag("has_failed", "no spare row was left"),
        FOREVER,
        is_loud=True,
    ),
    _kind(
        "recovery_action",
        "an accelerator asks for a recovery action, until it is reset or its rails were off",
        "accelerator: its error report",
        Parameter(
            name="action",
            unit="NVML recovery action",
            meaning="1 reset, 2 node reboot, 3 drain peers, 4 drain and reset",
            low=1.0,
            high=7.0,
            default=1.0,
        ),
        FOREVER,
        is_loud=True,
    ),
    _kind(
        "pcie_replays",
        "packets to an accelerator are sent again",
        "accelerator: its link's counter, which never goes back",
        _rate("per_s", "replays", 1e6, 100.0),
        FOREVER,
        is_loud=True,
    ),
)

ACCELERATOR_FAULTS = _LIBRARY_FAULTS + _BOARD_FAULTS
