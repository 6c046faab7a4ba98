"""Numbers as a person reads them, coarse enough that what hardly changed is not written again."""

import math
import time


def count(value: float) -> str:
    """340k, 1.25M: at most three digits and a suffix."""
    for suffix, unit in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= unit:
            size = value / unit
            digits = 2 if abs(size) < 10 else 1 if abs(size) < 100 else 0
            text = f"{math.trunc(size * 10**digits) / 10**digits:.{digits}f}"
            return (text.rstrip("0").rstrip(".") if digits else text) + suffix
    return f"{value:.0f}"


def value(number: float) -> str:
    """A metric's value in at most seven characters; `-` where there is none."""
    if not math.isfinite(number):
        return "-"
    size = abs(number)
    if size >= 100_000:
        return count(number)
    if size >= 1000:
        return f"{number:,.0f}"
    if size >= 100:
        return f"{number:.0f}"
    if size >= 10:
        return f"{number:.1f}"
    if size >= 0.01 or size == 0:
        return f"{number:.3f}"
    return f"{number:.1e}"


def memory(size: float) -> str:
    """Bytes as 812M or 1.4G."""
    for suffix, unit in (("T", 2**40), ("G", 2**30), ("M", 2**20), ("k", 2**10)):
        if size >= unit:
            return f"{size / unit:.1f}{suffix}" if size < 10 * unit else f"{size / unit:.0f}{suffix}"
    return f"{size:.0f}B"


def duration(seconds: float) -> str:
    """How long: 42s, 12m, 1h12m, 3d4h."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600}h"


def age(seconds: float) -> str:
    """How long ago; what is young is not told by the second."""
    return duration(seconds) if seconds >= 60 else "<1m"


def lag(seconds: float) -> str:
    """Age of the heartbeat in steps that a living engine never crosses: it beats once a second."""
    if seconds < 3:
        return "<3s"
    return duration(seconds - seconds % 5) if seconds >= 5 else "3s"


def cpu(percent: float) -> str:
    """Share of a core; an engine that idles is shown alike all the time."""
    if not math.isfinite(percent):
        return "-"
    return f"{percent:.0f}%" if percent >= 3 else "<3%"


def clock(seconds: float, *, with_seconds: bool = False) -> str:
    """Local time of day."""
    return time.strftime("%H:%M:%S" if with_seconds else "%H:%M", time.localtime(seconds))


def percent(part: float, whole: float) -> int:
    """Whole percent, rounded down, so that 100 means done; 0 of nothing is 0."""
    return min(int(100 * part / whole + 1e-9), 100) if whole > 0 else 0


def bar(part: float, whole: float, width: int) -> int:
    """How many of `width` cells of a bar are filled."""
    return min(int(width * part / whole), width) if whole > 0 else 0


def ending(name: str, state: str, step: int | None, error: str = "") -> str:
    """How a run ended, in a sentence."""
    at = "" if step is None else f" at step {step:,}"
    return f"{name} {state}{at}" + (f": {error}" if error else ".")
