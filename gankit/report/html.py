"""The one page of all reports: Jinja2 templates, and a browser that loads nothing and runs nothing else.

A page can be mailed, printed and read years later: its style lies in it, pictures are data URIs
(`gankit.report.album`), and its content security policy lets a browser apply that style, run that script if there is
one, and do nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def text(value: Any) -> str:
    """A value as people write it (not escaped).

    Examples:
        >>> text(12345.678), text(0.123456), text(1234567), text([True, None])
        ('12,346', '0.1235', '1,234,567', 'yes, –')
    """
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(text, value))
    return str(value)


def arrow(better: Any) -> str:
    """The sign behind a metric's name: which direction the evaluation says is better; "" if it does not."""
    return {"higher": " ↑", "lower": " ↓"}.get(str(better), "")


_FOLDER = Path(__file__).parent / "templates"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters["text"] = text


def document(title: str, template: str, /, *, style: str = "", script: str = "", **values: Any) -> str:
    """A page that needs no network.

    Args:
        title: Text of the window's title; it is escaped.
        template: Jinja2 source of the body. Values are escaped unless they are `markupsafe.Markup`; a name without a
            value is an error; the filter `text` writes numbers, lists and None as people do. Attributes `style` and
            handlers such as `onclick` are of no use in it: no browser applies them.
        style: CSS below that of all pages (`templates/base.css`).
        script: JavaScript, the only that a browser may run.
        **values: Name -> value, for the template; it also knows `title`, and `now`, the time in words.

    Returns:
        HTML.

    Raises:
        jinja2.TemplateError: The template is wrong, or lacks a value.
        ValueError: The style or the script would end its own element.

    Examples:
        >>> page = document("A & B", "<h1>{{ name }}</h1>", name="<b>")
        >>> "<title>A &amp; B</title>" in page, "<h1>&lt;b&gt;</h1>" in page, "script" in page
        (True, True, False)
    """
    if "</" in style or "</" in script:
        raise ValueError("a style or a script cannot hold '</'")
    style = (_FOLDER / "base.css").read_text("utf-8") + style
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    if script:
        policy += f"; script-src '{_hash(script)}'"
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return _ENVIRONMENT.get_template("skeleton.html").render(
        title=title,
        policy=Markup(policy),
        style=Markup(style),
        script=Markup(script),
        body=Markup(_ENVIRONMENT.from_string(template).render({"title": title, "now": now, **values})),
    )


def _hash(code: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}"
