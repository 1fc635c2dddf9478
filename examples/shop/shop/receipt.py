"""An order as text, in columns, for a printer or a mail."""

from collections.abc import Iterator
from decimal import Decimal

from shop.lines import Line
from shop.orders import Order
from shop.pricing import Quote

WIDTH = 44


def render(order: Order) -> str:
    """Write a receipt."""
    rule = "-" * WIDTH
    head = [f"Order {order.number}", f"{order.placed_at:%Y-%m-%d %H:%M}"]
    goods = [_line(line) for line in order.lines]
    return "\n".join([*head, rule, *goods, rule, *_figures(order.quote)]) + "\n"


def _line(line: Line) -> str:
    return _row(f"{line.quantity} x {line.product.name}", line.total)


def _figures(quote: Quote) -> Iterator[str]:
    yield _row("Subtotal", quote.subtotal)
    if quote.discount:
        yield _row("Discount", -quote.discount)
    yield _row("Shipping", quote.shipping)
    for rate, tax in quote.taxes.items():
        yield _row(f"VAT {rate.value} %", tax)
    yield _row("Total", quote.total)


def _row(label: str, amount: Decimal) -> str:
    """Put a label to the left and an amount to the right; a long label is cut."""
    figure = f"{amount:.2f}"
    room = WIDTH - len(figure) - 1
    return f"{label[:room]:<{room}} {figure}"
