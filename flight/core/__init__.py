"""The pure part of the daemon: judge and decide. No I/O, no clock, no log, no await."""
