"""How people read measures: with the digits that tell, and those beside one another with the same decimals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from features.tasks import OF_VALUES

# Decimals beyond those of a number that an error or a difference beside it may need to be seen.
MORE = 3
# The sizes (powers of ten) of numbers that are written without an exponent.
PLAIN = range(-4, 9)


@dataclass(frozen=True)
class Digits:
    """How numbers beside one another are written: with so many ``decimals`` each, and in units of one power of ten, the
    ``exponent`` (0: as they are)."""

    decimals: int
    exponent: int = 0

    @classmethod
    def of(cls, measure: str, *numbers: float) -> Digits:
        """Four decimals, of a regression's measure four digits of the first of ``numbers`` (of the largest where that
        is 0), or all before the point; and up to ``MORE`` decimals where one of the others (an error, a difference)
        would be 0 without them."""
        if measure not in OF_VALUES:
            return cls(4)
        sizes = [_size(one) for one in numbers if one and math.isfinite(one)]
        if not sizes:
            return cls(3)
        first = sizes[0] if numbers[0] and math.isfinite(numbers[0]) else max(sizes)
        exponent = 0 if max(sizes) in PLAIN else first
        decimals = max(exponent - first + 3, 0)
        needed = [exponent - size for size in sizes if exponent - size <= decimals + MORE]
        return cls(max(decimals, *needed), exponent)

    def shown(self, value: float, sign: str = "") -> str:
        """``sign``: "+" where a plus is to be seen."""
        if not self.exponent:
            return f"{value:{sign}z.{self.decimals}f}"  # z: 0 and not -0
        return f"{value / 10.0**self.exponent:{sign}z.{self.decimals}f}e{self.exponent:+03d}"


def shown(measure: str, values: Iterable[float | None], sign: str = "") -> list[str]:
    """Numbers that stand beside one another, the first of them leading; "" for None."""
    numbers = list(values)
    digits = Digits.of(measure, *(number for number in numbers if number is not None))
    return ["" if number is None else digits.shown(number, sign) for number in numbers]


def _size(value: float) -> int:
    """The power of ten of the first digit, of four."""
    return int(f"{value:.3e}".split("e")[1])
