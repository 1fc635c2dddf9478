"""Trees of files as they go in and out: walked, packed, unpacked and put in place at once."""
