"""What several of these tests take."""

import pytest


@pytest.fixture
def save(tmp_path):
    """Writes bytes to a file, and returns its path."""

    def write(content, name="clip"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write
