"""What one does with a trained run: generate, screen, predict, embed."""
