"""For all tests."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def a_home_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a person's own folders hold is not the tests' affair, here or in what they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield
