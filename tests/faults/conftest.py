from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.checks import Yard, yard
from tests.support.servers import RedisServer


@pytest.fixture(scope="module")
def there(redis7: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """A yard on the shared server, emptied."""
    with redis7.client() as client:
        client.flushall()
    with yard(redis7, tmp_path_factory.mktemp("yard")) as made:
        yield made
