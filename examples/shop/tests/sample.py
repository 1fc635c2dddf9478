"""Products and carts that the tests share."""

from shop.cart import Cart
from shop.catalogue import Catalogue, Product, TaxRate
from shop.money import money
from shop.stock import Stock

CATALOGUE = Catalogue(
    [
        Product("BREAD", "Rye bread", money("3.45"), TaxRate.REDUCED),
        Product("COFFEE", "Coffee beans, 500 g", money("9.95"), TaxRate.REDUCED),
        Product("HONEY", "Forest honey", money("6.45"), TaxRate.REDUCED),
        Product("LAMP", "Reading lamp", money("45.10")),
        Product("MUG", "Stoneware mug", money("12.50")),
        Product("STAMP", "Postage stamp", money("0.95"), TaxRate.NONE),
    ]
)


def cart_of(**quantities: int) -> Cart:
    """Fill a cart: `cart_of(MUG=2, STAMP=1)`."""
    cart = Cart(CATALOGUE)
    for sku, quantity in quantities.items():
        cart.add(sku, quantity)
    return cart


def full_stock() -> Stock:
    """Ten of everything."""
    return Stock({product.sku: 10 for product in CATALOGUE})
