"""Requests, evidence and statistics through hal; the driver's side is played on the binding."""

import math

import pytest

from hal import ControllerDevice, DriverSpec, NodeImage, PointSpec, Status
from hal._native import ffi, lib
from hal.evidence import BusStatistics, Cause, Evidence, RequestKind

SECOND = 1_000_000_000
POINTS = tuple(
    PointSpec(name=f"{name}.temp_c", driver=i, device=0, channel=0, period_ns=1)
    for i, name in enumerate("ab")
)
DRIVERS = tuple(
    DriverSpec(name=name, bus=None, devices=(ControllerDevice(channel_count=1),)) for name in "ab"
)
NOBODY = 0xFFFFFFFF


@pytest.fixture
def image():
    built = NodeImage(POINTS, DRIVERS)
    yield built
    built.close()


def take(image, epoch=0, now_ns=0):
    """Return what driver b takes: kind, device, epoch, deadline, ticket."""
    request, ticket = ffi.new("ns_request_t *"), ffi.new("uint64_t *")
    if lib.ns_image_take_request(image.native, 1, epoch, now_ns, request, ticket) != 0:
        return None
    return request.kind, request.device, request.epoch, request.deadline_ns, ticket[0]


def put(image, **fields):
    """Let driver b put a record; return its sequence."""
    record = ffi.new("ns_evidence_t *", {"device": NOBODY, "point": NOBODY, **fields})
    assert lib.ns_image_put_evidence(image.native, 1, record) == 0
    return int(record.sequence)


def test_a_request_reaches_its_driver_and_its_answer_comes_back(image):
    ticket = image.send_request("b", RequestKind.RESET, device=0, epoch=2, deadline_ns=SECOND)
    assert image.request_status("b", ticket) is None
    assert take(image, epoch=2) == (RequestKind.RESET, 0, 2, SECOND, ticket)
    assert image.request_status("b", ticket) is None
    assert lib.ns_image_finish_request(image.native, 1, ticket, Status.UNSUPPORTED) == 0
    assert image.request_status("b", ticket) is Status.UNSUPPORTED


def test_a_request_for_the_driver_itself_names_no_device(image):
    image.send_request("b", RequestKind.REARM, epoch=2, deadline_ns=SECOND)
    assert take(image)[:2] == (RequestKind.REARM, NOBODY)
    image.request_rearm("b")
    assert take(image)[:2] == (RequestKind.REARM, NOBODY)


def test_a_stale_request_is_dropped(image):
    ticket = image.send_request("b", RequestKind.CLEAR, device=0, epoch=2, deadline_ns=SECOND)
    assert take(image, now_ns=SECOND) is None
    assert image.request_status("b", ticket) is Status.STALE


def test_a_driver_that_takes_nothing_is_not_asked_without_end(image):
    tickets = []
    while (
        ticket := image.send_request("b", RequestKind.REARM, epoch=1, deadline_ns=SECOND)
    ) is not None:
        tickets.append(ticket)
    assert tickets == list(range(1, 17))
    image.request_rearm("b")  # in vain, and no error
    assert image.send_request("a", RequestKind.REARM, epoch=1, deadline_ns=SECOND) == 1


def test_an_answer_that_cannot_be_is_no_status_of_ours(image):
    ticket = image.send_request("b", RequestKind.REARM, epoch=1, deadline_ns=SECOND)
    take(image)
    lib.ns_image_finish_request(image.native, 1, ticket, -99)
    assert image.request_status("b", ticket) is Status.PROTOCOL


def test_bad_requests_are_our_bugs(image):
    with pytest.raises(ValueError, match=r"b: request .* device 1 of epoch 1"):
        image.send_request("b", RequestKind.CLEAR, device=1, epoch=1, deadline_ns=0)
    with pytest.raises(ValueError, match="epoch 0"):
        image.send_request("b", RequestKind.CLEAR, epoch=0, deadline_ns=0)
    with pytest.raises(ValueError, match="b: ticket 1"):
        image.request_status("b", 1)


def test_evidence_is_read_in_order_until_it_is_durable(image):
    assert image.evidence("b") == []
    first = put(
        image, time_ns=5, cause=Cause.DEVICE_FAULT, device=0, status=Status.IO, value=1.5,
        limit=math.inf, size=3, bytes=b"abc",
    )  # fmt: skip
    second = put(image, time_ns=6, cause=Cause.REPAIR, point=1, status=Status.OK)
    assert put(image, time_ns=7, cause=Cause.REPAIR, point=1, status=Status.OK) == second
    assert image.evidence("b") == [
        Evidence(first, 5, Cause.DEVICE_FAULT, 0, None, Status.IO, 1.5, math.inf, 0, b"abc"),
        Evidence(second, 6, Cause.REPAIR, None, 1, Status.OK, 0.0, 0.0, 1, b""),
    ]
    assert image.evidence("a") == []
    image.mark_durable("b", first)
    assert image.durable("b") == first
    assert [record.sequence for record in image.evidence("b")] == [second]
    assert [record.sequence for record in image.evidence("b", after_sequence=0)] == [first, second]
    with pytest.raises(ValueError, match="b: evidence 3 marked"):
        image.mark_durable("b", second + 1)


def test_lost_evidence_is_counted_by_its_cause(image):
    for i in range(20):
        put(image, cause=Cause.LAPSE, point=i)
    found = [record.sequence for record in image.evidence("b")]
    assert found == [*range(1, 9), *range(13, 21)]
    losses = image.evidence_losses("b")
    assert losses.pop(Cause.LAPSE) == 4
    assert not any(losses.values())
    assert len(losses) == len(Cause) - 1


def test_all_causes_full_are_read_at_once(image):
    for cause in Cause:
        for i in range(16):
            put(image, cause=cause, point=i)
    assert [r.sequence for r in image.evidence("b")] == list(range(1, 16 * len(Cause) + 1))


def test_statistics_are_those_of_the_driver(image):
    numbers = BusStatistics(*range(1, 14))
    told = ffi.new("ns_bus_statistics_t *", numbers._asdict())
    assert lib.ns_image_set_statistics(image.native, 1, told) == 0
    assert image.statistics("b") == numbers
    assert image.statistics("a") == (0,) * 13


@pytest.mark.parametrize(
    "call",
    [
        lambda image: image.statistics("c"),
        lambda image: image.evidence("c"),
        lambda image: image.evidence_losses("c"),
        lambda image: image.durable("c"),
        lambda image: image.mark_durable("c", 0),
        lambda image: image.request_status("c", 1),
        lambda image: image.send_request("c", RequestKind.REARM, epoch=1, deadline_ns=1),
    ],
)
def test_a_driver_that_is_not_there_is_a_key_error(image, call):
    with pytest.raises(KeyError):
        call(image)


def test_numbers_and_names_are_those_of_the_headers():
    assert {cause.name: cause for cause in Cause} == {
        name: getattr(lib, f"NS_CAUSE_{name}") for name in Cause.__members__
    }
    assert len(Cause) == lib.NS_CAUSE_COUNT
    assert {kind.name: kind for kind in RequestKind} == {
        name: getattr(lib, f"NS_REQUEST_{name}") for name in RequestKind.__members__
    }
    fields = [name for name, _ in ffi.typeof("ns_bus_statistics_t").fields]
    assert fields == list(BusStatistics._fields)
