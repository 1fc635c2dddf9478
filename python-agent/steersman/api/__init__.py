"""The agent's HTTP, server-sent events and WebSocket, as docs/contract.md has them."""
