"""What users are told of the limits is what holds."""

from pathlib import Path

from gankit.config import MAX_YAML_BYTES
from gankit.support import limits


def test_the_table_of_limits_is_true():
    table = (Path(__file__).parents[2] / "SECURITY.md").read_text("utf-8").partition("## Limits")[2]
    numbers = [value for name, value in vars(limits).items() if name.isupper() and isinstance(value, int)]
    assert len(numbers) == 10 and all(f"{value:,}" in table for value in numbers)
    assert ", ".join(limits.PICTURE_FORMATS) in table and MAX_YAML_BYTES == 2**20
