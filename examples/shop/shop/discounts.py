"""Discounts: what a code takes off a cart, before tax.

A discount answers one question, how much it takes off these lines; how that is spread over the
tax rates is decided in `pricing`. No discount takes off more than the lines cost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shop.errors import UnknownDiscount
from shop.lines import Line, subtotal
from shop.money import ZERO, round_to_cents, total


class Discount(Protocol):
    """A promise to customers who have its code."""

    @property
    def code(self) -> str: ...

    def amount(self, lines: Sequence[Line]) -> Decimal:
        """Return what is taken off the lines, in whole cents."""
        ...


@dataclass(frozen=True, slots=True)
class PercentOff:
    """A percentage off everything, for carts that come to `minimum` or more."""

    code: str
    percent: Decimal
    minimum: Decimal = ZERO

    def amount(self, lines: Sequence[Line]) -> Decimal:
        """Return the percentage of the lines."""
        if subtotal(lines) < self.minimum:
            return ZERO
        return total(round_to_cents(line.total * self.percent / 100) for line in lines)


@dataclass(frozen=True, slots=True)
class AmountOff:
    """A fixed amount off, for carts that come to `minimum` or more."""

    code: str
    value: Decimal
    minimum: Decimal = ZERO

    def amount(self, lines: Sequence[Line]) -> Decimal:
        """Return the fixed amount, or what the lines cost if that is less."""
        if subtotal(lines) < self.minimum:
            return ZERO
        return min(self.value, subtotal(lines))


@dataclass(frozen=True, slots=True)
class BuySomeGetOneFree:
    """Of every `buy` + 1 pieces of one product, one is free."""

    code: str
    sku: str
    buy: int

    def amount(self, lines: Sequence[Line]) -> Decimal:
        """Return the price of the free pieces."""
        return total(
            line.product.price * (line.quantity // (self.buy + 1))
            for line in lines
            if line.product.sku == self.sku
        )


class DiscountCodes:
    """The codes that have been issued. Customers may type them in any case."""

    def __init__(self, discounts: Iterable[Discount] = ()) -> None:
        self._discounts = {discount.code.casefold(): discount for discount in discounts}

    def find(self, code: str) -> Discount:
        """Return the discount with this code or raise UnknownDiscount."""
        try:
            return self._discounts[code.strip().casefold()]
        except KeyError:
            raise UnknownDiscount(f"there is no discount with the code {code.strip()}") from None
