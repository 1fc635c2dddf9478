import unittest
from datetime import UTC, datetime

from shop.errors import EmptyCart, OutOfStock, UnknownOrder
from shop.money import money
from shop.orders import OrderBook, OrderState
from tests.sample import cart_of, full_stock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Orders(unittest.TestCase):
    def setUp(self):
        self.stock = full_stock()
        self.orders = OrderBook(self.stock, first_number=1001)

    def test_orders_are_numbered_without_gaps(self):
        numbers = [self.orders.place(cart_of(MUG=1), NOON).number for _ in range(3)]
        self.assertEqual(numbers, [1001, 1002, 1003])

    def test_an_order_takes_its_goods_out_of_stock(self):
        self.orders.place(cart_of(MUG=3, BREAD=1), NOON)
        self.assertEqual((self.stock.available("MUG"), self.stock.available("BREAD")), (7, 9))

    def test_an_order_keeps_what_was_in_the_cart(self):
        cart = cart_of(MUG=1)
        order = self.orders.place(cart, NOON)
        cart.add("LAMP")
        self.assertEqual(self.orders.find(order.number).quote.subtotal, money("12.50"))

    def test_an_empty_cart_is_no_order(self):
        with self.assertRaises(EmptyCart):
            self.orders.place(cart_of(), NOON)

    def test_when_one_product_is_missing_nothing_is_taken(self):
        with self.assertRaisesRegex(OutOfStock, "only 10 of Reading lamp are left"):
            self.orders.place(cart_of(MUG=1, LAMP=11), NOON)
        self.assertEqual(self.stock.available("MUG"), 10)
        self.assertEqual(self.orders.place(cart_of(MUG=1), NOON).number, 1001)

    def test_a_cancelled_order_gives_its_goods_back(self):
        order = self.orders.place(cart_of(MUG=3), NOON)
        cancelled = self.orders.cancel(order.number)
        self.assertIs(cancelled.state, OrderState.CANCELLED)
        self.assertEqual(self.stock.available("MUG"), 10)

    def test_an_order_is_cancelled_only_once(self):
        order = self.orders.place(cart_of(MUG=3), NOON)
        self.orders.cancel(order.number)
        with self.assertRaisesRegex(UnknownOrder, "already cancelled"):
            self.orders.cancel(order.number)
        self.assertEqual(self.stock.available("MUG"), 10)

    def test_an_unknown_number_is_refused(self):
        with self.assertRaises(UnknownOrder):
            self.orders.find(7)
