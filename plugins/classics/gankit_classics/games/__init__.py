"""What the networks play: the game that most recipes share, and what some add to it."""
