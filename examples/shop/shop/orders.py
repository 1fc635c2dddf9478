"""Orders: carts that became binding."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from shop.cart import Cart
from shop.errors import EmptyCart, UnknownOrder
from shop.lines import Line
from shop.pricing import Quote, quote
from shop.stock import Stock


class OrderState(Enum):
    """Where an order stands."""

    PLACED = "placed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered, at the prices of that moment."""

    number: int
    placed_at: datetime
    lines: tuple[Line, ...]
    quote: Quote
    state: OrderState = OrderState.PLACED


class OrderBook:
    """All orders, numbered without gaps."""

    def __init__(self, stock: Stock, *, first_number: int = 1) -> None:
        self._stock = stock
        self._first_number = first_number
        self._orders: dict[int, Order] = {}

    def place(self, cart: Cart, at: datetime) -> Order:
        """Make a cart an order. Raises EmptyCart or OutOfStock, and then nothing has changed."""
        lines = cart.lines
        if not lines:
            raise EmptyCart("there is nothing in the cart")
        figures = quote(cart)
        self._stock.take(lines)
        order = Order(self._first_number + len(self._orders), at, lines, figures)
        self._orders[order.number] = order
        return order

    def find(self, number: int) -> Order:
        """Return an order, also a cancelled one, or raise UnknownOrder."""
        try:
            return self._orders[number]
        except KeyError:
            raise UnknownOrder(f"there is no order {number}") from None

    def cancel(self, number: int) -> Order:
        """Cancel an order and put its goods back into stock."""
        order = self.find(number)
        if order.state is OrderState.CANCELLED:
            raise UnknownOrder(f"the order {number} is already cancelled")
        self._stock.put_back(order.lines)
        self._orders[number] = replace(order, state=OrderState.CANCELLED)
        return self._orders[number]
