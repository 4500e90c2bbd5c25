"""How good the results are; everything here takes arrays and functions, and knows no recipe."""
