"""What a cart costs: subtotal, minus discount, plus shipping, plus tax.

Every figure of a quote is rounded once, from figures that are exact, and they add up to the cent.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shop.cart import Cart
from shop.catalogue import TaxRate
from shop.lines import Line, subtotal
from shop.money import ZERO, money, round_to_cents, split, total

SHIPPING = money("4.90")
FREE_SHIPPING_FROM = money("50.00")


@dataclass(frozen=True, slots=True)
class Quote:
    """The figures at the foot of a bill. `taxes` has each rate that occurs, the highest first."""

    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    taxes: Mapping[TaxRate, Decimal]

    @property
    def net(self) -> Decimal:
        """What is to be paid without tax."""
        return self.subtotal - self.discount + self.shipping

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.net + total(self.taxes.values())


def quote(cart: Cart) -> Quote:
    """Work out what a cart costs."""
    lines = cart.lines
    before = subtotal(lines)
    discount = cart.discount.amount(lines) if cart.discount else ZERO
    shipping = shipping_for(lines, before - discount)
    return Quote(before, discount, shipping, taxes_on(lines, discount, shipping))


def shipping_for(lines: Sequence[Line], goods: Decimal) -> Decimal:
    """Return the cost of shipping. Goods for 50.00 and more, after the discount, ship free."""
    return ZERO if not lines or goods >= FREE_SHIPPING_FROM else SHIPPING


def taxes_on(lines: Sequence[Line], discount: Decimal, shipping: Decimal) -> dict[TaxRate, Decimal]:
    """Return the tax for each rate, on what is left of the lines after the discount.

    The discount is spread over the lines by what they cost; shipping is taxed at the standard
    rate.
    """
    net: dict[TaxRate, Decimal] = defaultdict(Decimal)
    before = [line.total for line in lines]
    shares = split(discount, before) if discount else [ZERO] * len(before)
    for line, share in zip(lines, shares, strict=True):
        net[line.product.tax_rate] += line.total - share
    if shipping:
        net[TaxRate.STANDARD] += shipping
    rates = sorted(net, key=lambda rate: rate.value, reverse=True)
    return {rate: round_to_cents(net[rate] * rate.value / 100) for rate in rates}
