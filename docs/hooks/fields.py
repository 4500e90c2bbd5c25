"""For griffe: a pydantic field is documented by its description, and shown with its default alone."""

from __future__ import annotations

import ast
from typing import Any

import griffe


class Fields(griffe.Extension):
    """Reads `Field(16, ge=1, description="Examples in a step.")` as the value 16 with a docstring."""

    def on_attribute(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Called for each attribute that is found."""
        call = attr.value
        if not isinstance(call, griffe.ExprCall) or str(call.function) != "Field":
            return
        named = {part.name: part.value for part in call.arguments if isinstance(part, griffe.ExprKeyword)}
        plain = [part for part in call.arguments if not isinstance(part, griffe.ExprKeyword)]
        if "description" in named:
            attr.docstring = griffe.Docstring(ast.literal_eval(str(named["description"])), parent=attr)
        attr.value = plain[0] if plain else None
