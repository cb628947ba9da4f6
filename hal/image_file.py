"""The file of a node image: who may create it, who holds it, what is in it."""

import fcntl
import mmap
import os
from pathlib import Path

HEADER_SIZE = 128  # NS_IMAGE_FROZEN_SIZE: the magic is its first word in every version


class ImageFileError(Exception):
    """A file that cannot serve as the image; the text names the file and what to do."""


class ImageFile:
    """An open file, mapped whole; the lock, if any, lasts until close() or the process ends."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.memory = mmap.mmap(descriptor, size)
        self.size = size

    def close(self) -> None:
        """Unmap, and let go of the lock. The file stays."""
        self.memory.close()
        os.close(self._descriptor)


def create(path: Path, size: int) -> ImageFile:
    """Make a file of `size` zero bytes, mode 0600, and hold it.

    A file that is there already is taken only if it never became an image: drivers may still live
    on it, and its evidence may not be stored yet. Nothing is ever unlinked or cut short.

    Raises:
        ImageFileError: Held by another process, already an image, or the system refuses.
    """
    descriptor = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        _lock(descriptor, path)
        if any(os.pread(descriptor, 4, 0)):
            raise ImageFileError(
                f"{path}: is a node image already; attach to it, or end its drivers and remove it"
            )
        os.posix_fallocate(descriptor, 0, max(size, os.fstat(descriptor).st_size))
        return ImageFile(descriptor, size)
    except OSError as error:
        os.close(descriptor)
        raise ImageFileError(f"{path}: {error.strerror}; {size} bytes are needed") from error
    except BaseException:
        os.close(descriptor)
        raise


def attach(path: Path, *, hold: bool) -> ImageFile:
    """Map a file that is there; `hold` takes the lock of the daemon.

    Raises:
        ImageFileError: Not there, too short, or held by another process.
    """
    descriptor = _open(path, os.O_RDWR)
    try:
        if hold:
            _lock(descriptor, path)
        size = os.fstat(descriptor).st_size
        if size < HEADER_SIZE:
            raise ImageFileError(f"{path}: is no node image; let the daemon create it anew")
        return ImageFile(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ImageFileError(
            f"{path}: {error.strerror}; the folder of the node image must be there and writable"
        ) from error


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ImageFileError(
            f"{path}: is held by another daemon; end that one, or use another file"
        ) from error
