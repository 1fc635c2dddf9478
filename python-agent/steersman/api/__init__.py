"""The agent's HTTP, server-sent events and WebSocket, as contract.md has them."""
