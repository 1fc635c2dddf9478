import unittest

from shop.catalogue import Catalogue, Product
from shop.errors import UnknownProduct
from shop.money import money
from tests.sample import CATALOGUE


class Catalogues(unittest.TestCase):
    def test_products_come_in_the_order_of_their_skus(self):
        skus = [product.sku for product in CATALOGUE]
        self.assertEqual(skus, sorted(skus))
        self.assertEqual(len(CATALOGUE), len(skus))

    def test_a_product_is_found_by_its_sku(self):
        self.assertEqual(CATALOGUE.find("MUG").name, "Stoneware mug")

    def test_an_unknown_sku_is_refused(self):
        with self.assertRaisesRegex(UnknownProduct, "there is no product GOLD"):
            CATALOGUE.find("GOLD")

    def test_a_sku_is_given_only_once(self):
        catalogue = Catalogue([Product("MUG", "Mug", money("1.00"))])
        with self.assertRaises(ValueError):
            catalogue.add(Product("MUG", "Another mug", money("2.00")))

    def test_a_search_finds_all_words_in_any_case(self):
        self.assertEqual([p.sku for p in CATALOGUE.search("BEANS coffee")], ["COFFEE"])
        self.assertEqual(CATALOGUE.search("coffee mug"), [])
