"""What the shop sells."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from shop.errors import UnknownProduct


class TaxRate(Enum):
    """The rates of value-added tax, in per cent."""

    STANDARD = Decimal(19)
    REDUCED = Decimal(7)
    NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale. `price` is for one piece, without tax."""

    sku: str
    name: str
    price: Decimal
    tax_rate: TaxRate = TaxRate.STANDARD


class Catalogue:
    """Products by their SKU."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._products: dict[str, Product] = {}
        for product in products:
            self.add(product)

    def __iter__(self) -> Iterator[Product]:
        return iter(sorted(self._products.values(), key=lambda product: product.sku))

    def __len__(self) -> int:
        return len(self._products)

    def add(self, product: Product) -> None:
        """Offer a product. A SKU is given only once."""
        if product.sku in self._products:
            raise ValueError(f"the SKU {product.sku} is taken")
        self._products[product.sku] = product

    def find(self, sku: str) -> Product:
        """Return the product with this SKU or raise UnknownProduct."""
        try:
            return self._products[sku]
        except KeyError:
            raise UnknownProduct(f"there is no product {sku}") from None

    def search(self, words: str) -> list[Product]:
        """Return the products whose names hold all of the words, whatever their case."""
        wanted = words.casefold().split()
        return [p for p in self if all(word in p.name.casefold() for word in wanted)]
