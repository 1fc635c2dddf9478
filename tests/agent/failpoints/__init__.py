"""Every named place of the protocol, failing in every way, and what is left afterwards."""
