"""The bridge: this agent dials its gateway, and both ask and tell each other what is live.

`link.py` keeps a connection up, `session.py` is what is said on it; docs/bridge.md is the protocol.
"""
