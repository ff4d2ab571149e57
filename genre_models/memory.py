"""Memory that a process frees and needs again at once."""

import ctypes
import sys

KEPT_BYTES = 64 * 2**20
LARGEST = 32 * 2**20  # what is larger always goes back; glibc takes no higher number
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


def keep_freed() -> None:
    """Keep up to KEPT_BYTES of what this process frees, where its C library is glibc; else do nothing.

    For processes that handle one clip after another: otherwise the samples of each are in new pages, and
    that the system zeroes those costs a fifth of the time to decode a FLAC file.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, KEPT_BYTES)
