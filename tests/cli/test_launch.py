"""What is refused before a process is begun; tests/system/test_faults.py launches."""

import pytest

from gankit.cli import main
from gankit.cli.launch import _value


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ([], "there is nothing to launch", "-- run RECIPE"),
        (["evaluate", "latest"], "'evaluate' does not train", "-- run RECIPE"),
        (["run", "gan", "--strategy", "single"], "--strategy single would train 2 times", "leave it out"),
        (["run", "gan", "--strategy=mirrored"], "--strategy mirrored would train 2 times", "leave it out"),
    ],
)
def test_what_cannot_be_launched(words, said, hint, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["launch", "--workers", "2", "--", *words])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and said in err and hint in err


def test_an_option_is_found_in_both_forms():
    assert [_value(words, "--to") for words in (["a", "--to", "b"], ["--to=c"], ["--to"], [])] == ["b", "c", "", ""]
