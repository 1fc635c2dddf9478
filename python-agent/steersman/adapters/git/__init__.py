"""The git program: clones, and a history of workspaces that is kept outside of them."""
