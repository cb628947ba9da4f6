"""The version of the software, as installed."""

from importlib.metadata import PackageNotFoundError, version


def _installed_version() -> str:
    try:
        return version("nightside")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0.1.0+source"


VERSION = _installed_version()
