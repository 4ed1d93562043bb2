"""What the tests of one file share."""

import pytest
from peers import our_server


@pytest.fixture(scope="module")
def url():
    """The URL of an echo server of ours."""
    with our_server() as url:
        yield url
