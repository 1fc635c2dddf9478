"""What several tests of the agent share."""
