"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(found: Callable[[], T], expected: T, *, seconds: float = 60) -> None:
    """Ask again and again until the answer is the expected one.

    Raises:
        AssertionError: It is another one to the end.
    """
    deadline = time.monotonic() + seconds
    while (last := found()) != expected:
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s {last!r:.2000}, expected {expected!r:.2000}")
        time.sleep(0.05)
