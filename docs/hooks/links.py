"""Pages whose text lies elsewhere in the repository, and links to any of its files.

The READMEs of the plugins become pages as they are. A link may lead to any file, relative to where the page's text
lies, as it does on GitHub: it becomes a link to the page, if there is one, and otherwise to the repository on the web.
A link to a file that does not exist stops the build.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/gankit/gankit/blob/main/"
ELSEWHERE = {  # page -> the file that is its text
    **{f"details/{path.parent.name}.md": path for path in ROOT.glob("plugins/*/README.md")},
    "details/datasets.md": ROOT / "datasets/README.md",
    **{f"project/{name.lower()}.md": ROOT / f"{name}.md" for name in ("CONTRIBUTING", "SECURITY", "CHANGELOG")},
}
CODE = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
LOADED = re.compile(r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(?=[#)])")


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the pages whose text lies elsewhere."""
    for page, text in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(text)))


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Makes links of the repository links of the site; code stays as it is."""
    name = page.file.src_uri
    folder = ELSEWHERE.get(name, ROOT / "docs" / name).parent
    pages = {text: ROOT / "docs" / page for page, text in ELSEWHERE.items()}

    def moved(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / found[1]))
        target = pages.get(target, target)
        if target.is_relative_to(ROOT / "docs") and target.suffix != ".py":
            return os.path.relpath(target, (ROOT / "docs" / name).parent)
        if not target.exists():
            raise PluginError(f"{name} has a link to {found[1]}, and there is no such file")
        return REPOSITORY + target.relative_to(ROOT).as_posix()

    parts = CODE.split(markdown)
    return "".join(part if number % 2 else LINK.sub(moved, part) for number, part in enumerate(parts))


def on_post_page(output: str, page: Page, **_: Any) -> None:
    """No page may load anything from elsewhere: the site is read without network, and nobody is told who reads it."""
    if found := LOADED.search(output):
        raise PluginError(f"{page.file.src_uri} would load {found[0]}")
