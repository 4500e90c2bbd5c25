"""Public names of `gankit.report`; `__init__.py` imports each when it is first used."""

from .album import Album as Album
from .album import data_uri as data_uri
from .html import document as document
from .run_page import write_report as write_report
