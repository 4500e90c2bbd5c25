"""Drug-response tables: `read` detects the format and gives `Responses`, `describe` says what they hold."""

from gankit_aae_molecules.tables.compounds import SmilesTable, Unresolved, write_unresolved
from gankit_aae_molecules.tables.describe import describe, text
from gankit_aae_molecules.tables.read import read
from gankit_aae_molecules.tables.responses import Compounds, Responses, Summary

__all__ = [
    "Compounds",
    "Responses",
    "SmilesTable",
    "Summary",
    "Unresolved",
    "describe",
    "read",
    "text",
    "write_unresolved",
]
