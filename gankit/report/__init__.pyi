"""Public names of `gankit.report`; `__init__.py` imports each when it is first used."""

from . import html as html
from .run_page import write_report as write_report
