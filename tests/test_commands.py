"""What plugins make their commands of."""

import sys

import click
import pytest
from click.testing import CliRunner

from gankit.commands import Commands


@pytest.fixture
def group(tmp_path, monkeypatch):
    """`mine` with `good` and `broken`, each a file."""
    folder = tmp_path / "mine_commands"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text("import click\n\n@click.command('good')\ndef command():\n    click.echo('done')\n")
    (folder / "broken.py").write_text("raise ImportError\n")
    monkeypatch.syspath_prepend(tmp_path)

    @click.group("mine", cls=Commands, package="mine_commands", names=("good", "broken"))
    def group():
        """Mine."""

    yield group
    for name in [name for name in sys.modules if name.startswith("mine_commands")]:
        del sys.modules[name]


def test_a_command_is_imported_when_it_is_asked_for(group):
    assert group.list_commands(click.Context(group)) == ["good", "broken"]
    assert CliRunner().invoke(group, ["good"]).output == "done\n"  # the broken one is never imported
    assert CliRunner().invoke(group, ["other"]).exit_code == 2
    assert isinstance(CliRunner().invoke(group, ["broken"]).exception, ImportError)
