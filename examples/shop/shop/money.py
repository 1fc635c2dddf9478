"""Amounts of money: decimals with two places, never floats."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

from shop.errors import InvalidAmount

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def money(text: str) -> Decimal:
    """Read an amount such as `12.50`. It must not have more than two places."""
    try:
        amount = Decimal(text)
        cents = amount.quantize(CENT)
    except InvalidOperation as error:
        raise InvalidAmount(f"{text!r} is not an amount of money") from error
    if amount != cents:
        raise InvalidAmount(f"{text!r} is not a whole number of cents")
    return cents


def round_to_cents(amount: Decimal) -> Decimal:
    """Round to cents; half a cent goes up, as on every till."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts up; of no amounts the total is 0.00."""
    return sum(amounts, ZERO)


def split(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Share an amount out in proportion to the weights, without losing or making a cent.

    Every share is rounded down first; the cents that are left go to the shares that lost most.
    """
    whole = total(weights)
    if whole == 0:
        raise ValueError("there is nothing to share the amount out over")
    exact = [amount * weight / whole for weight in weights]
    shares = [share.quantize(CENT, ROUND_DOWN) for share in exact]
    left = int((amount - total(shares)) / CENT)
    losers = sorted(range(len(shares)), key=lambda i: exact[i] - shares[i], reverse=True)
    for i in losers[:left]:
        shares[i] += CENT
    return shares
