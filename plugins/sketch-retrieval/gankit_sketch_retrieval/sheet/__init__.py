"""Contact sheets: what was found, at a glance, as one picture or as one page for a browser."""
