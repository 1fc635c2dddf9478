"""`python3 -m shop` prints the receipt of a sample order."""

from datetime import UTC, datetime
from decimal import Decimal

from shop.cart import Cart
from shop.catalogue import Catalogue, Product, TaxRate
from shop.discounts import DiscountCodes, PercentOff
from shop.money import money
from shop.orders import OrderBook
from shop.receipt import render
from shop.stock import Stock


def main() -> None:
    """Order a breakfast with a discount."""
    catalogue = Catalogue(
        [
            Product("COFFEE", "Coffee beans, 500 g", money("9.95"), TaxRate.REDUCED),
            Product("MUG", "Stoneware mug", money("12.50")),
            Product("HONEY", "Forest honey", money("6.45"), TaxRate.REDUCED),
        ]
    )
    codes = DiscountCodes([PercentOff("WELCOME", Decimal(10))])
    cart = Cart(catalogue)
    cart.add("COFFEE")
    cart.add("MUG", 2)
    cart.add("HONEY")
    cart.apply(codes.find("welcome"))
    orders = OrderBook(Stock({"COFFEE": 20, "MUG": 20, "HONEY": 20}), first_number=1001)
    print(render(orders.place(cart, datetime.now(UTC))), end="")


if __name__ == "__main__":
    main()
