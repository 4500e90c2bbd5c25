"""Candidate molecules from a drug-response table: the recipe `aae-molecules` of gankit."""
