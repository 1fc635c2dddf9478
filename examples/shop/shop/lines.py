"""A line: so many of one product. Carts, discounts and orders all speak of lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shop.catalogue import Product
from shop.money import total


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one product."""

    product: Product
    quantity: int

    @property
    def total(self) -> Decimal:
        """The price of the whole line, without tax and before any discount."""
        return self.product.price * self.quantity


def subtotal(lines: Iterable[Line]) -> Decimal:
    """Add the lines up, without tax and before any discount."""
    return total(line.total for line in lines)
