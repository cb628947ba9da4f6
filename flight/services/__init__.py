"""Asynchronous services of the daemon: they wait, send and store; flight/core decides."""
