"""What some recipes add to the game of `gankit.nn`, or play instead of it."""
