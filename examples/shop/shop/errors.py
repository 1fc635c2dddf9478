"""What customers and callers can do wrong.

ShopError
├── InvalidAmount       not an amount of money
├── UnknownProduct      no product with this SKU
├── InvalidQuantity     less than one of something
├── OutOfStock          fewer in stock than were ordered
├── UnknownDiscount     no discount with this code
├── EmptyCart           nothing to order
└── UnknownOrder        no order with this number, or a cancelled one
"""


class ShopError(Exception):
    """Root of everything that the shop refuses. The message can be shown to a customer."""


class InvalidAmount(ShopError):
    """An amount that is not a whole number of cents."""


class UnknownProduct(ShopError):
    """A SKU that the catalogue does not have."""


class InvalidQuantity(ShopError):
    """A quantity below one."""


class OutOfStock(ShopError):
    """More was ordered than there is."""


class UnknownDiscount(ShopError):
    """A discount code that nobody has issued."""


class EmptyCart(ShopError):
    """An order without a line."""


class UnknownOrder(ShopError):
    """An order number that was never given out, or an order that is already cancelled."""
