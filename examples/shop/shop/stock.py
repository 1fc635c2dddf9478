"""How many of each product there are."""

from collections.abc import Iterable, Mapping

from shop.errors import OutOfStock
from shop.lines import Line


class Stock:
    """Pieces by SKU."""

    def __init__(self, pieces: Mapping[str, int]) -> None:
        self._pieces = dict(pieces)

    def available(self, sku: str) -> int:
        """Return how many can be ordered."""
        return self._pieces.get(sku, 0)

    def take(self, lines: Iterable[Line]) -> None:
        """Take everything that the lines name, or raise OutOfStock and take nothing."""
        wanted = list(lines)
        for line in wanted:
            left = self.available(line.product.sku)
            if line.quantity > left:
                raise OutOfStock(f"only {left} of {line.product.name} are left")
        for line in wanted:
            self._pieces[line.product.sku] -= line.quantity

    def put_back(self, lines: Iterable[Line]) -> None:
        """Make what was taken available again."""
        for line in lines:
            self._pieces[line.product.sku] = self.available(line.product.sku) + line.quantity
