"""A small shop: a catalogue, carts with discounts, prices with tax, orders and receipts."""
