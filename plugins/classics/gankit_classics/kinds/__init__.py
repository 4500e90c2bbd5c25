"""The kinds of data that the recipe `gan` imitates: points, tables and flat pictures, objects of one protocol."""
