"""Tools that only the agents of the chaos run have."""
