"""What the tests of one file share."""

import subprocess
from pathlib import Path

import pytest
from peers import our_server

MAKE_CERTIFICATES = Path(__file__).resolve().parents[3] / "Tests" / "Support" / "make_certificates"


@pytest.fixture(scope="module")
def url():
    """The URL of an echo server of ours."""
    with our_server() as url:
        yield url


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """The folder of the certificates of Tests/Support/make_certificates."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([str(MAKE_CERTIFICATES), str(folder)], check=True)
    return folder
