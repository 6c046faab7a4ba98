"""Engine tests share a processor with whatever else runs: one thread, always."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Before each test, because building the parts of a run sets the threads of its recipe."""
    torch.set_num_threads(1)
