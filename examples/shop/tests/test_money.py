import unittest
from decimal import Decimal

from shop.errors import InvalidAmount
from shop.money import ZERO, money, round_to_cents, split, total


class ReadingAmounts(unittest.TestCase):
    def test_an_amount_has_two_places(self):
        self.assertEqual(str(money("12.5")), "12.50")
        self.assertEqual(str(money("7")), "7.00")

    def test_a_fraction_of_a_cent_is_refused(self):
        with self.assertRaises(InvalidAmount):
            money("0.005")

    def test_what_is_no_number_is_refused(self):
        for text in ("", "twelve", "NaN", "Infinity", "1e40"):
            with self.subTest(text), self.assertRaises(InvalidAmount):
                money(text)


class Rounding(unittest.TestCase):
    def test_half_a_cent_goes_up(self):
        self.assertEqual(round_to_cents(Decimal("0.125")), Decimal("0.13"))
        self.assertEqual(round_to_cents(Decimal("0.135")), Decimal("0.14"))

    def test_less_than_half_a_cent_goes_down(self):
        self.assertEqual(round_to_cents(Decimal("0.1249")), Decimal("0.12"))

    def test_the_total_of_nothing_is_an_amount(self):
        self.assertEqual(str(total([])), "0.00")


class Splitting(unittest.TestCase):
    def test_no_cent_is_lost(self):
        shares = split(money("1.00"), [Decimal(1)] * 3)
        self.assertEqual(shares, [money("0.34"), money("0.33"), money("0.33")])

    def test_the_share_that_lost_most_gets_the_cent(self):
        shares = split(money("0.10"), [Decimal(2), Decimal(5), Decimal(2)])
        self.assertEqual(shares, [money("0.02"), money("0.06"), money("0.02")])

    def test_the_shares_add_up_whatever_the_weights(self):
        weights = [money("3.45"), money("9.95"), money("0.95"), money("45.10")]
        for cents in range(200):
            amount = Decimal(cents) / 100
            with self.subTest(amount):
                self.assertEqual(total(split(amount, weights)), amount)

    def test_over_nothing_nothing_can_be_split(self):
        with self.assertRaises(ValueError):
            split(money("1.00"), [ZERO, ZERO])
