"""Axes of a plot: round tick values, their labels, logarithms, and limits that do not jump about."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def nice_step(span: float, at_most: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that divides `span` into at most `at_most` parts."""
    rough = span / max(at_most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))


def ticks(low: float, high: float, at_most: int) -> list[float]:
    """At most `at_most` + 1 round values inside [low, high], ascending."""
    if not high > low:
        return [low]
    step = nice_step(high - low, at_most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def log_ticks(low: float, high: float, at_most: int) -> list[float]:
    """Exponents of ten to label in [low, high] (both exponents): whole decades, or 1, 2 and 5 where there are few."""
    decades = ticks(math.ceil(low - 1e-9), math.floor(high + 1e-9), at_most)
    decades = [exponent for exponent in decades if exponent == round(exponent)]
    if len(decades) >= 2:
        return decades
    fine = [e + math.log10(m) for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    return [exponent for exponent in fine if low - 1e-9 <= exponent <= high + 1e-9][: at_most + 1]


def label(value: float, step: float | None = None) -> str:
    """A short number: 340k, 1.25M, 0.02, 1e-05; with as many digits as `step` between neighbours needs."""
    size = abs(value)
    if size < 1e-12 or (step is not None and size < step * 1e-6):
        return "0"
    if size < 1e-3 or size >= 1e15:
        return f"{value:.0e}" if step is None or step >= 10 ** math.floor(math.log10(size)) else f"{value:.1e}"
    if step is None and size < 1:
        return f"{value:.2g}"
    for suffix, unit in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0)):
        if size >= unit * (1 - 1e-9) or unit == 1.0:
            digits = (
                _digits(step / unit) if step is not None else (2 if size / unit < 10 else 1 if size / unit < 100 else 0)
            )
            text = f"{value / unit:.{digits}f}"
            text = text.rstrip("0").rstrip(".") if "." in text and step is None else text
            return text + suffix
    raise AssertionError("the last unit takes every value")


def _digits(step: float) -> int:
    """Decimals that tell multiples of `step` apart."""
    return next((digits for digits in range(6) if abs(step * 10**digits - round(step * 10**digits)) < 1e-6), 6)


def log10(values: Floats) -> Floats:
    """Base ten logarithm; NaN, a gap, for what has none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)


class Limits:
    """Bottom and top of a y axis that move seldom: out at once and with room to spare, in only when half is unused."""

    def __init__(self, room: float = 0.12, *, anchor_zero: bool = True) -> None:
        """`room`: share of the span left free at each end; `anchor_zero`: what is never negative keeps its zero."""
        self.room = room
        self.anchor_zero = anchor_zero
        self.bottom = math.nan
        self.top = math.nan

    def follow(self, low: float, high: float) -> tuple[float, float]:
        """Limits for data in [low, high]; NaN for no data, which gives (0, 1)."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return (0.0, 1.0) if math.isnan(self.bottom) else (self.bottom, self.top)
        outside = math.isnan(self.bottom) or low < self.bottom or high > self.top
        if outside or (high - low) < 0.4 * (self.top - self.bottom):
            self._set(low, high)
        return self.bottom, self.top

    def _set(self, low: float, high: float) -> None:
        span = max(high - low, abs(high) * 1e-3, 1e-9)
        step = nice_step(span, 20)
        bottom, top = low - self.room * span, high + self.room * span
        if self.anchor_zero and low >= 0 > bottom:
            bottom = 0.0
        bottom, top = math.floor(bottom / step) * step, math.ceil(top / step) * step
        self.bottom, self.top = bottom, top


def roomy(stop: float) -> float:
    """A round end for an x axis that grows, so that it seldom does: at least `stop`, at most twice that; 1 for NaN,
    which is the end of nothing."""
    if not stop > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(stop))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= stop)


@dataclass(frozen=True)
class Unit:
    """Of an x axis: so many of what is plotted, and what follows the figure."""

    size: float
    suffix: str


STEPS = Unit(1.0, "")


def time_unit(span: float) -> Unit:
    """For an axis in seconds of about that length."""
    for size, suffix in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "m")):
        if span >= 2 * size:
            return Unit(size, suffix)
    return Unit(1.0, "s")
