"""Small files of bars."""

import pytest
from gankit_stock_gan.bars import read


@pytest.fixture
def write(tmp_path):
    def write(content, name="abc.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def one(write):
    def one(content, **options):
        (found,) = read(write(content), **options)
        return found

    return one
