"""What the gateway says of people: its tokens, and the keys that they are verified with."""
