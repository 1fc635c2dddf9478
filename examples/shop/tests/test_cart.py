import unittest
from decimal import Decimal

from shop.cart import Cart
from shop.discounts import AmountOff, PercentOff
from shop.errors import InvalidQuantity, UnknownProduct
from shop.lines import subtotal
from shop.money import money
from tests.sample import CATALOGUE, cart_of


class Carts(unittest.TestCase):
    def test_a_new_cart_is_empty(self):
        cart = Cart(CATALOGUE)
        self.assertEqual(cart.lines, ())
        self.assertEqual(subtotal(cart.lines), money("0.00"))

    def test_lines_stay_in_the_order_in_which_they_were_added(self):
        cart = cart_of(MUG=1, BREAD=2)
        cart.add("MUG")
        self.assertEqual(
            [(x.product.sku, x.quantity) for x in cart.lines], [("MUG", 2), ("BREAD", 2)]
        )

    def test_a_line_costs_its_pieces(self):
        (line,) = cart_of(STAMP=3).lines
        self.assertEqual(line.total, money("2.85"))

    def test_an_unknown_product_is_refused(self):
        with self.assertRaises(UnknownProduct):
            Cart(CATALOGUE).add("GOLD")

    def test_less_than_one_piece_is_refused(self):
        for quantity in (0, -1):
            with self.subTest(quantity), self.assertRaises(InvalidQuantity):
                Cart(CATALOGUE).add("MUG", quantity)

    def test_a_quantity_can_be_changed_and_0_takes_the_product_out(self):
        cart = cart_of(MUG=1, BREAD=1)
        cart.change("MUG", 4)
        cart.change("BREAD", 0)
        self.assertEqual([(x.product.sku, x.quantity) for x in cart.lines], [("MUG", 4)])

    def test_what_is_not_in_the_cart_cannot_be_changed(self):
        with self.assertRaises(InvalidQuantity):
            cart_of(MUG=1).change("BREAD", 2)

    def test_a_second_discount_takes_the_place_of_the_first(self):
        cart = cart_of(MUG=1)
        cart.apply(PercentOff("TEN", Decimal(10)))
        cart.apply(AmountOff("FIVER", money("5.00")))
        self.assertEqual(cart.discount, AmountOff("FIVER", money("5.00")))
