import unittest
from datetime import UTC, datetime
from decimal import Decimal

from shop.cart import Cart
from shop.catalogue import Catalogue, Product
from shop.discounts import PercentOff
from shop.money import money
from shop.orders import OrderBook
from shop.receipt import WIDTH, render
from shop.stock import Stock
from tests.sample import cart_of, full_stock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

WITH_DISCOUNT = """\
Order 1001
2026-03-02 12:00
--------------------------------------------
1 x Rye bread                           3.45
1 x Forest honey                        6.45
2 x Stoneware mug                      25.00
--------------------------------------------
Subtotal                               34.90
Discount                               -3.49
Shipping                                4.90
VAT 19 %                                5.21
VAT 7 %                                 0.62
Total                                  42.14
"""


class Receipts(unittest.TestCase):
    def test_a_receipt_shows_every_figure(self):
        cart = cart_of(BREAD=1, HONEY=1, MUG=2)
        cart.apply(PercentOff("TEN", Decimal(10)))
        order = OrderBook(full_stock(), first_number=1001).place(cart, NOON)
        self.assertEqual(render(order), WITH_DISCOUNT)

    def test_without_a_discount_there_is_no_row_for_it(self):
        order = OrderBook(full_stock()).place(cart_of(MUG=1), NOON)
        self.assertNotIn("Discount", render(order))

    def test_a_long_name_does_not_break_the_columns(self):
        catalogue = Catalogue([Product("LONG", "A very long name " * 5, money("1.00"))])
        cart = Cart(catalogue)
        cart.add("LONG")
        order = OrderBook(Stock({"LONG": 1})).place(cart, NOON)
        self.assertEqual({len(row) for row in render(order).splitlines()[3:4]}, {WIDTH})
