"""Settings: defaults that hold, bounds that are kept, names that are documented."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import MalformedInput
from resolver.settings import Settings, table


def test_the_environment_sets_what_was_not_given() -> None:
    environment = {"TETRAD_QUEUE_LENGTH": "50", "TETRAD_CHECKERS": "0", "TETRAD_HOME": "/x"}
    settings = Settings.from_environment(environment, checkers=1)
    assert (settings.queue_length, settings.checkers) == (50, 1)
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize("text", ["", "-1", "1.5", "0x10", "many", "9" * 40, "٣", "0"])
def test_what_is_no_number_within_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        Settings.from_environment({"TETRAD_BATCH_LINES": text})
    assert "batch_lines" in refused.value.detail.lower()


@given(st.integers())
def test_every_setting_keeps_its_bounds(value: int) -> None:
    for setting in fields(Settings):
        least, most = setting.metadata["least"], setting.metadata["most"]
        if least <= value <= most:
            assert getattr(Settings(**{setting.name: value}), setting.name) == value
        else:
            with pytest.raises(MalformedInput):
                Settings(**{setting.name: value})


def test_the_table_names_every_setting_with_its_default() -> None:
    lines = table().splitlines()
    assert len(lines) == len(fields(Settings)) + 2
    for setting in fields(Settings):
        assert any(f"`TETRAD_{setting.name.upper()}`" in line for line in lines)
    assert "| 10,000 | operations |" in table()
