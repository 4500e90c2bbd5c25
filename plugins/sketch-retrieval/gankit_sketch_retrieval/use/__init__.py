"""What one does with a trained model: index, search, spot, and show what was found."""
