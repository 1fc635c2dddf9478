"""What a customer is about to order."""

from shop.catalogue import Catalogue
from shop.discounts import Discount
from shop.errors import InvalidQuantity
from shop.lines import Line


class Cart:
    """Lines in the order in which they were added, and at most one discount."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._quantities: dict[str, int] = {}
        self.discount: Discount | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """One line for each product."""
        return tuple(
            Line(self._catalogue.find(sku), quantity) for sku, quantity in self._quantities.items()
        )

    def add(self, sku: str, quantity: int = 1) -> None:
        """Put some of a product in. What is already there counts on."""
        if quantity < 1:
            raise InvalidQuantity(f"{quantity} is not a quantity to order")
        product = self._catalogue.find(sku)
        self._quantities[product.sku] = self._quantities.get(product.sku, 0) + quantity

    def change(self, sku: str, quantity: int) -> None:
        """Set the quantity of a product that is in the cart; 0 takes it out."""
        if quantity < 0 or sku not in self._quantities:
            raise InvalidQuantity(f"{sku} cannot be changed to {quantity}")
        if quantity == 0:
            del self._quantities[sku]
        else:
            self._quantities[sku] = quantity

    def apply(self, discount: Discount) -> None:
        """Use a discount. It takes the place of one that was applied before."""
        self.discount = discount
