"""What the service manager of the host is told: ready, alive, stopping.

The socket is that of systemd's notification protocol, one datagram per word; without one (no
NOTIFY_SOCKET) nothing is said. A stroke of it is a stroke of the manager's watchdog
(WatchdogSec=), the outermost one on a node without a watchdog device.
"""

import os
import socket
from collections.abc import Mapping

VARIABLE = "NOTIFY_SOCKET"


class SystemdNotify:
    """Says words to the service manager; never waits, never raises for its trouble.

    Args:
        environment: Where NOTIFY_SOCKET is looked up.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get(VARIABLE, "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self.error = ""

    def ready(self) -> None:
        """Say that the daemon is in control."""
        self._say("READY=1")

    def stroke(self) -> None:
        """Say that all is healthy."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that an ordered end has begun."""
        self._say("STOPPING=1")

    def _say(self, words: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
                speaker.setblocking(False)
                speaker.sendto(words.encode(), self._address)
            self.error = ""
        except OSError as error:
            self.error = f"{error.strerror or error}"
