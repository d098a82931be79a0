"""What several of these tests take."""

import matplotlib
import matplotlib.pyplot as plt
import pytest


@pytest.fixture
def agg():
    """Draws without a screen, and closes all pictures."""
    matplotlib.use("agg")
    yield
    plt.close("all")


@pytest.fixture
def save(tmp_path):
    """Writes bytes to a file, and returns its path."""

    def write(content, name="clip"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write
