from __future__ import annotations

import pytest

import shipper


def test_every_public_name_is_there() -> None:
    found = {name: getattr(shipper, name) for name in shipper.__all__}

    assert found["enqueue_event"].__module__ == "shipper.enqueue"
    assert set(shipper.__all__) <= set(dir(shipper))


def test_the_names_are_those_that_the_modules_are_known_by() -> None:
    assert sorted(shipper.__all__) == sorted(name for names in shipper._MODULES.values() for name in names)


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="module 'shipper' has no attribute 'enqueue_evnet'"):
        _ = shipper.enqueue_evnet
