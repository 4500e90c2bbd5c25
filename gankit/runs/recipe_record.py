"""Which code a run was trained with: in its record, kept beside it, and compared when the run is used again.

run.json has under "plugin" either a distribution and its version, or a file, the sha256 of it and of the modules beside
it that it imported, and the folder of the run that holds copies of them. Copies are to be read: gankit runs none.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from gankit import plugins
from gankit.errors import PluginError
from gankit.plugins import Origin
from gankit.recipe import Recipe
from gankit.runs.run import Run
from gankit.support.loose_file import content
from gankit.support.values import mapping

log = logging.getLogger("gankit")


def record(origin: Origin) -> dict[str, Any]:
    """What run.json says of a recipe's code: "source" and "plugin"."""
    plugin: dict[str, Any] = {"distribution": origin.distribution, "version": origin.version}
    if origin.file:
        plugin = {"file": str(origin.file), "sha256": {name: _sha256(ran) for name, ran in origin.files.items()}}
    return {"source": origin.source, "plugin": plugin if origin.file or origin.distribution else {}}


def keep(run: Run, recipe: type[Recipe], step: int = 0) -> None:
    """Copies the recipe's file, and what it has imported from its folder, into the run, and records both.

    Code that differs from what the run was trained with so far gets a folder of its own.

    Args:
        run: The run, which trains, or has just trained.
        recipe: The class.
        step: Where the run stands.
    """
    info = run.info
    before = mapping(info.get("plugin"))
    origin = plugins.origin(recipe, str(info.get("source", "")))
    now = record(origin)["plugin"]
    earlier = list(info.get("plugin_before", []))
    if before and differences(before, now):
        earlier.append({**before, "until_step": step})
    if origin.file:
        folder = f"recipe-{len(earlier) + 1}" if earlier else "recipe"
        for name, ran in origin.files.items():
            copy = run.path / folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(ran)
        now["copy"] = folder
    run.update(plugin=now, **({"plugin_before": earlier} if earlier else {}))


def differences(before: Any, now: Any) -> list[str]:
    """What of a recipe's code is not as it was, in words; [] if all is, or was not recorded."""
    found = []
    if before.get("distribution") and before.get("distribution") == now.get("distribution"):
        if before.get("version") != now.get("version"):
            found.append(f"{before['distribution']} {before.get('version')} is {now.get('version')} now")
    elif before.get("distribution") or now.get("distribution"):
        found.append(f"{_called(before)} is {_called(now)} now")
    else:
        files = mapping(now.get("sha256"))
        for name, digest in mapping(before.get("sha256")).items():
            if files.get(name) != digest:
                found.append(f"{name} has changed" if files.get(name) else f"{name} is gone")
    return found


def _sha256(ran: bytes | None) -> str:
    """A file's hash; "" where there is none."""
    return "" if ran is None else hashlib.sha256(ran).hexdigest()


def _called(plugin: Any) -> str:
    return f"{plugin.get('distribution') or plugin.get('file') or 'nothing known'} {plugin.get('version', '')}".strip()


def found_again(run: Run) -> type[Recipe]:
    """The recipe of a run, as it is today; one warning says how its code differs from what trained the run.

    Raises:
        PluginError: It is not there; the hint says where the run's copy is, or which version to install. Or it is a
            file, and the run is not trusted.
    """
    info = run.info
    source = str(info.get("source") or info["recipe"])
    before = mapping(info.get("plugin"))
    if file := plugins.file_of(source):
        if not file[0].is_file():
            raise PluginError(f"{file[0]}, the recipe of {run.path}, is gone", _where_the_copy_is(run, before, file[0]))
        _check_trust(run, file[0], before)
    try:
        recipe = plugins.find(source).recipe
    except PluginError as error:
        offered = {point.dist.name for point in plugins.entry_points(info["recipe"]) if point.dist}
        if before.get("distribution") and before["distribution"] not in offered:
            raise PluginError(
                f"the recipe of {run.path} is of {_called(before)}, which is not installed",
                f"pip install {before['distribution']}=={before.get('version')}",
            ) from error
        if not before:
            raise PluginError(
                f"the recipe of {run.path} was a class that no file holds",
                "write it into a file, and train from there: gankit run FILE.py:CLASS",
            ) from error
        raise
    now = record(plugins.origin(recipe, source))["plugin"]
    if file:  # what a method will import is compared, too
        now["sha256"] = {name: _sha256(content(file[0].parent / name)) for name in mapping(before.get("sha256"))}
    if changes := differences(before, now):
        copy = f"; {run.path / before['copy']} holds what it was" if before.get("copy") else ""
        log.warning("%s was trained with other code: %s%s", run.path, ", ".join(changes), copy)
    return recipe


def _check_trust(run: Run, file: Path, before: Any) -> None:
    """Raises PluginError unless a file that a run names may be executed: a run is data, which may come from anybody."""
    if "GANKIT_PLUGINS" in os.environ:
        raise PluginError(
            f"the recipe of {run.path} is the file {file}, and GANKIT_PLUGINS limits recipes to installed ones",
            "unset GANKIT_PLUGINS, read the file, and say --trust-recipe",
        )
    if not run.trusted:
        now, then = _sha256(content(file)), mapping(before.get("sha256")).get(file.name)
        state = "the one that trained it" if now == then else "not the one that trained it"
        raise PluginError(
            f"the recipe of {run.path} is the file {file}, which would be executed (sha256 {now[:16]}, {state})",
            "if the file is yours, or you have read it, say --trust-recipe (gankit.load(..., trust_recipe=True))",
        )


def _where_the_copy_is(run: Run, before: Any, file: Path) -> str:
    copy = run.path / str(before.get("copy") or "recipe")
    if not copy.is_dir():
        return "put it back where it was"
    return f"{copy} holds copies of it and of the modules beside it: read them, then cp -r {copy}/. {file.parent}"
