import unittest
from decimal import Decimal

from shop.catalogue import TaxRate
from shop.discounts import AmountOff, PercentOff
from shop.money import money
from shop.pricing import Quote, quote, shipping_for
from tests.sample import cart_of


class Quotes(unittest.TestCase):
    def test_goods_shipping_and_tax_add_up(self):
        figures = quote(cart_of(MUG=2))
        taxes = {TaxRate.STANDARD: money("5.68")}
        self.assertEqual(figures, Quote(money("25.00"), money("0.00"), money("4.90"), taxes))
        self.assertEqual(figures.total, money("35.58"))

    def test_each_rate_is_taxed_by_itself(self):
        taxes = quote(cart_of(LAMP=1, BREAD=2, STAMP=1)).taxes
        self.assertEqual(
            taxes,
            {
                TaxRate.STANDARD: money("8.57"),
                TaxRate.REDUCED: money("0.48"),
                TaxRate.NONE: money("0.00"),
            },
        )

    def test_the_tax_is_on_what_is_left_after_the_discount(self):
        cart = cart_of(MUG=4)
        cart.apply(AmountOff("TENNER", money("10.00")))
        self.assertEqual(quote(cart).taxes, {TaxRate.STANDARD: money("8.53")})

    def test_a_discount_is_spread_over_the_rates(self):
        cart = cart_of(MUG=2, COFFEE=3)
        cart.apply(PercentOff("TEN", Decimal(10)))
        self.assertEqual(
            quote(cart).taxes,
            {TaxRate.STANDARD: money("5.21"), TaxRate.REDUCED: money("1.88")},
        )

    def test_a_discounted_quote_adds_up_to_the_cent(self):
        cart = cart_of(BREAD=1, COFFEE=1, HONEY=1)
        cart.apply(PercentOff("TEN", Decimal(10)))
        figures = quote(cart)
        self.assertEqual(figures.discount, money("1.99"))
        self.assertEqual(figures.net, money("22.76"))
        self.assertEqual(figures.total, money("24.94"))

    def test_an_empty_cart_costs_nothing(self):
        self.assertEqual(quote(cart_of()).total, money("0.00"))


class Shipping(unittest.TestCase):
    def test_goods_for_exactly_the_threshold_ship_free(self):
        lines = cart_of(MUG=4).lines
        self.assertEqual(shipping_for(lines, money("50.00")), money("0.00"))

    def test_one_cent_less_does_not(self):
        lines = cart_of(MUG=4).lines
        self.assertEqual(shipping_for(lines, money("49.99")), money("4.90"))

    def test_the_discount_counts(self):
        cart = cart_of(MUG=4)
        cart.apply(AmountOff("CENT", money("0.01")))
        self.assertEqual(quote(cart).shipping, money("4.90"))
