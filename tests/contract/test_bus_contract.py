"""The contract of a bus back end, for every one that can run here, on real descriptors.

A back end takes part by one subclass of BusContract, which supplies a world: an open bus and a
device whose behaviour can be chosen. csrc/tests/test_bus_contract.c asks the same in virtual time.
The I2C adapter needs NIGHTSIDE_I2C_BUS=/dev/i2c-N and NIGHTSIDE_I2C_ADDRESS=0xNN, a device that
answers word reads of command 0x8B; without them it is reported as NOT RUN.
"""

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Iterator
from enum import Enum, auto

import pytest

from hal.bus import BridgeBus, Bus, I2cBus, SerialBus
from hal.status import DeviceError, Status
from tests.contract.bridge_server import (
    EXCHANGE,
    RECOVER,
    TRANSFER,
    BridgeServer,
    Request,
    answer_to,
)

LONG_US = 60_000_000  # of a call that ends by what the device does; never reached by a good run
SHORT_US = 20_000  # of a call that only its deadline ends


class Behaviour(Enum):
    """What the device does with the next request."""

    GOOD = auto()
    SILENT = auto()
    HALF = auto()  # half an answer, then nothing
    TOO_MUCH = auto()
    CLOSED = auto()  # hangs up


class BusContract:
    """What every back end does. Subclasses supply the world below."""

    bus: Bus
    TOO_MUCH_STATUS = Status.PROTOCOL
    HEALS_AFTER_LOSS = True

    def behave(self, behaviour: Behaviour) -> None:
        """Choose what the device does next."""
        raise NotImplementedError

    def call(self, timeout_us: int) -> bytes:
        """Ask the device."""
        raise NotImplementedError

    def good_answer(self) -> bytes:
        """Return what a good device answers to `call`."""
        raise NotImplementedError

    def status_of_call(self, behaviour: Behaviour, timeout_us: int) -> Status:
        self.behave(behaviour)
        with pytest.raises(DeviceError) as caught:
            self.call(timeout_us)
        return caught.value.status

    def good_call(self) -> bytes:
        self.behave(Behaviour.GOOD)
        return self.call(LONG_US)

    def test_a_good_device_is_heard(self) -> None:
        assert self.good_call() == self.good_answer()
        assert self.good_call() == self.good_answer()

    @pytest.mark.parametrize("behaviour", [Behaviour.SILENT, Behaviour.HALF])
    def test_a_missing_end_is_a_timeout_and_the_next_call_is_good(
        self, behaviour: Behaviour
    ) -> None:
        assert self.status_of_call(behaviour, SHORT_US) == Status.TIMEOUT
        assert self.good_call() == self.good_answer()

    def test_an_answer_that_is_too_long_is_refused_and_the_next_call_is_good(self) -> None:
        assert self.status_of_call(Behaviour.TOO_MUCH, LONG_US) == self.TOO_MUCH_STATUS
        assert self.good_call() == self.good_answer()

    def test_a_peer_that_hangs_up_is_absent(self) -> None:
        assert self.status_of_call(Behaviour.CLOSED, LONG_US) == Status.ABSENT
        if self.HEALS_AFTER_LOSS:
            assert self.good_call() == self.good_answer()
        else:
            assert self.status_of_call(Behaviour.GOOD, LONG_US) == Status.ABSENT

    def test_no_time_is_a_timeout(self) -> None:
        assert self.status_of_call(Behaviour.GOOD, 0) == Status.TIMEOUT

    def test_a_closed_bus_is_a_bug_of_the_caller(self) -> None:
        self.bus.close()
        self.bus.close()
        with pytest.raises(ValueError, match="closed"):
            self.call(LONG_US)
        with pytest.raises(ValueError, match="closed"):
            _ = self.bus.handle

    def test_the_handle_is_two_addresses(self) -> None:
        assert self.bus.handle.ops_address != 0
        assert self.bus.handle.ctx_address != 0


class PtyDevice:
    """A board on a pseudo terminal; one thread reads requests and behaves."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.behaviour = Behaviour.GOOD
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="pty device", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        request = b""
        while True:
            ready, _, _ = select.select([self.master, self._stop_read], [], [])
            if self._stop_read in ready:
                break
            request += os.read(self.master, 64)
            if not request.endswith(b"\0"):
                continue
            request = b""
            if self.behaviour is Behaviour.CLOSED:
                break
            answers = {
                Behaviour.GOOD: b"\0reply\0",
                Behaviour.HALF: b"rep",
                Behaviour.TOO_MUCH: b"x" * 100 + b"\0",
                Behaviour.SILENT: b"",
            }
            os.write(self.master, answers[self.behaviour])
        os.close(self.master)

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        for fd in (self.slave, self._stop_read, self._stop_write):
            os.close(fd)


class TestSerialOnPty(BusContract):
    TOO_MUCH_STATUS = Status.FULL
    HEALS_AFTER_LOSS = False

    @pytest.fixture(autouse=True)
    def world(self) -> Iterator[None]:
        self.device = PtyDevice()
        with SerialBus(self.device.slave) as self.bus:
            yield
        self.device.close()

    def behave(self, behaviour: Behaviour) -> None:
        self.device.behaviour = behaviour

    def call(self, timeout_us: int) -> bytes:
        return self.bus.exchange(b"ask\0", capacity=64, timeout_us=timeout_us)

    def good_answer(self) -> bytes:
        return b"reply\0"

    def test_a_serial_bus_has_neither_i2c_nor_recovery(self) -> None:
        with pytest.raises(ValueError, match="NS_E_ARG"):
            self.bus.transfer(0x40, b"\x8b", 2, timeout_us=LONG_US)
        with pytest.raises(DeviceError, match="NS_E_UNSUPPORTED"):
            self.bus.recover()

    def test_pyserial_opens_locks_and_configures_a_line(self) -> None:
        pytest.importorskip("serial", reason="NOT RUN: pyserial is not installed")
        path = os.ttyname(self.device.slave)
        with SerialBus.open(path, baud_rate=115_200) as bus:
            assert bus.exchange(b"ask\0", timeout_us=LONG_US) == b"reply\0"
            with pytest.raises(DeviceError, match="NS_E_REFUSED"):
                SerialBus.open(path, baud_rate=115_200)
        with pytest.raises(DeviceError, match="NS_E_ABSENT"):
            SerialBus.open("/dev/no-such-line", baud_rate=9_600)


class BridgeContract(BusContract):
    """What both kinds of call over a bridge have in common."""

    server: BridgeServer
    bus: BridgeBus
    behaviour = Behaviour.GOOD

    def answer(self, request: Request) -> bytes | None:
        good = answer_to(request, self.good_answer())
        match self.behaviour:
            case Behaviour.SILENT:
                return b""
            case Behaviour.HALF:
                return good[:-1]
            case Behaviour.TOO_MUCH:
                return answer_to(request, bytes(100))
            case Behaviour.CLOSED:
                return None
            case _:
                return good

    def behave(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def test_a_late_answer_is_never_taken_for_the_next_one(self) -> None:
        assert self.status_of_call(Behaviour.SILENT, SHORT_US) == Status.TIMEOUT

        def both(request: Request) -> bytes:
            late = answer_to(self.server.requests[0], b"LATE!\0"[-len(self.good_answer()) :])
            return late + answer_to(request, self.good_answer())

        self.server.answer = both
        assert self.good_call() == self.good_answer()
        assert self.bus.late_count == 1
        assert self.bus.connect_count == 1

    def test_the_status_of_the_far_bus_comes_through(self) -> None:
        self.server.answer = lambda request: answer_to(request, status=int(Status.NACK))
        with pytest.raises(DeviceError, match="NS_E_NACK"):
            self.call(LONG_US)

    def test_a_server_that_is_gone_is_absent(self) -> None:
        assert self.good_call() == self.good_answer()
        self.server.close()
        assert self.status_of_call(Behaviour.GOOD, LONG_US) == Status.ABSENT

    def test_a_recovery_reaches_the_far_bus(self) -> None:
        self.server.answer = answer_to
        self.bus.recover()
        assert self.server.requests[-1].kind == RECOVER


class TestBridgeExchangeOnUnixSocket(BridgeContract):
    @pytest.fixture(autouse=True)
    def world(self, tmp_path) -> Iterator[None]:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "bench"))
        listener.listen()
        self.server = BridgeServer(listener, self.answer)
        with BridgeBus(self.server.address) as self.bus:
            yield
        self.server.close()

    def call(self, timeout_us: int) -> bytes:
        return self.bus.exchange(b"ask\0", capacity=64, timeout_us=timeout_us)

    def good_answer(self) -> bytes:
        return b"reply\0"

    def test_the_request_carries_all_that_the_far_bus_needs(self) -> None:
        self.good_call()
        request = self.server.requests[-1]
        assert (request.kind, request.write, request.read_size) == (EXCHANGE, b"ask\0", 64)
        assert 0 < request.timeout_us <= LONG_US


class TestBridgeTransferOnTcp(BridgeContract):
    @pytest.fixture(autouse=True)
    def world(self) -> Iterator[None]:
        self.server = BridgeServer(socket.create_server(("127.0.0.1", 0)), self.answer)
        with BridgeBus(self.server.address) as self.bus:
            yield
        self.server.close()

    def call(self, timeout_us: int) -> bytes:
        return self.bus.transfer(0x40, b"\x8b", 2, timeout_us=timeout_us)

    def good_answer(self) -> bytes:
        return b"\xd3\x00"

    def test_the_request_carries_all_that_the_far_bus_needs(self) -> None:
        self.good_call()
        request = self.server.requests[-1]
        assert (request.kind, request.address) == (TRANSFER, 0x40)
        assert (request.write, request.read_size) == (b"\x8b", 2)


class TestI2cDevOnHardware:
    """What can be asked of a healthy adapter and device."""

    @pytest.fixture(autouse=True)
    def world(self) -> Iterator[None]:
        path, address = (os.environ.get(f"NIGHTSIDE_I2C_{what}") for what in ("BUS", "ADDRESS"))
        if path is None or address is None:
            pytest.skip("NOT RUN: NIGHTSIDE_I2C_BUS and NIGHTSIDE_I2C_ADDRESS name no device")
        self.path, self.address = path, int(address, 0)
        with I2cBus(path) as self.bus:
            yield

    def test_a_word_is_read_and_is_the_same_again(self) -> None:
        first = self.bus.transfer(self.address, b"\x8b", 2, timeout_us=LONG_US)
        assert len(first) == 2
        assert self.bus.transfer(self.address, b"\x8b", 2, timeout_us=LONG_US) == first

    def test_an_address_without_a_device_is_a_nack(self) -> None:
        absent = 0x77 if self.address != 0x77 else 0x76
        with pytest.raises(DeviceError, match="NS_E_NACK"):
            self.bus.transfer(absent, b"\x8b", 2, timeout_us=LONG_US)

    def test_a_second_opening_is_refused_while_the_first_lasts(self) -> None:
        with pytest.raises(DeviceError, match="NS_E_REFUSED"):
            I2cBus(self.path)

    def test_a_reserved_address_is_a_bug_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="NS_E_ARG"):
            self.bus.claim(0x03)


def test_an_adapter_that_is_not_there_is_absent(tmp_path) -> None:
    with pytest.raises(DeviceError, match="NS_E_ABSENT"):
        I2cBus(str(tmp_path / "i2c-99"))


@pytest.mark.parametrize("address", ["", "/run/bench", "udp:127.0.0.1:1", "unix:" + "a" * 200])
def test_an_address_of_another_kind_is_a_bug_of_the_caller(address: str) -> None:
    with pytest.raises(ValueError, match="NS_E_ARG"):
        BridgeBus(address)


def test_a_descriptor_that_is_none_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="NS_E_ARG"):
        SerialBus(-1)
