import unittest
from decimal import Decimal

from shop.discounts import AmountOff, BuySomeGetOneFree, DiscountCodes, PercentOff
from shop.errors import UnknownDiscount
from shop.lines import subtotal
from shop.money import money
from tests.sample import cart_of

TEN = PercentOff("TEN", Decimal(10))


class PercentagesOff(unittest.TestCase):
    def test_a_percentage_is_taken_off(self):
        self.assertEqual(TEN.amount(cart_of(MUG=2).lines), money("2.50"))

    def test_half_a_cent_is_rounded_in_favour_of_the_customer(self):
        self.assertEqual(TEN.amount(cart_of(STAMP=1).lines), money("0.10"))

    def test_many_small_lines_get_the_same_as_one_large_line(self):
        lines = cart_of(BREAD=1, COFFEE=1, HONEY=1, STAMP=1).lines
        self.assertEqual(subtotal(lines), money("20.80"))
        self.assertEqual(TEN.amount(lines), money("2.08"))

    def test_a_hundred_per_cent_is_everything(self):
        lines = cart_of(LAMP=1, STAMP=3).lines
        self.assertEqual(PercentOff("GIFT", Decimal(100)).amount(lines), subtotal(lines))

    def test_the_minimum_itself_is_enough(self):
        discount = PercentOff("BULK", Decimal(20), minimum=money("25.00"))
        self.assertEqual(discount.amount(cart_of(MUG=2).lines), money("5.00"))

    def test_below_the_minimum_nothing_is_taken_off(self):
        discount = PercentOff("BULK", Decimal(20), minimum=money("25.01"))
        self.assertEqual(discount.amount(cart_of(MUG=2).lines), money("0.00"))

    def test_nothing_is_taken_off_an_empty_cart(self):
        self.assertEqual(TEN.amount(()), money("0.00"))


class FixedAmountsOff(unittest.TestCase):
    def test_the_amount_is_taken_off(self):
        self.assertEqual(
            AmountOff("FIVER", money("5.00")).amount(cart_of(MUG=1).lines), money("5.00")
        )

    def test_never_more_than_the_lines_cost(self):
        self.assertEqual(
            AmountOff("FIVER", money("5.00")).amount(cart_of(BREAD=1).lines), money("3.45")
        )

    def test_below_the_minimum_nothing_is_taken_off(self):
        discount = AmountOff("FIVER", money("5.00"), minimum=money("20.00"))
        self.assertEqual(discount.amount(cart_of(MUG=1).lines), money("0.00"))


class FreePieces(unittest.TestCase):
    def test_every_third_piece_is_free(self):
        discount = BuySomeGetOneFree("COSY", "MUG", buy=2)
        free = [discount.amount(cart_of(MUG=n).lines) for n in (1, 2, 3, 5, 6)]
        self.assertEqual(free, [money(x) for x in ("0", "0", "12.50", "12.50", "25.00")])

    def test_other_products_do_not_count(self):
        discount = BuySomeGetOneFree("COSY", "MUG", buy=2)
        self.assertEqual(discount.amount(cart_of(MUG=2, LAMP=4).lines), money("0.00"))


class Codes(unittest.TestCase):
    def test_a_code_is_found_in_any_case(self):
        self.assertIs(DiscountCodes([TEN]).find(" ten "), TEN)

    def test_an_unknown_code_is_refused(self):
        with self.assertRaisesRegex(UnknownDiscount, "no discount with the code FREE"):
            DiscountCodes([TEN]).find("FREE")
