"""What is searched for, what was found, and the files that say so."""
