"""The networks and their game."""
