"""Both engines for every test that computes."""

import pytest

from skransfer import config_context


@pytest.fixture(params=["cpu", "reference"])
def each_engine(request):
    with config_context(engine=request.param):
        yield request.param
