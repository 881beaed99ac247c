"""What the debug log says about an exception: where it is from, not what it says."""

from __future__ import annotations

import re

import pytest

from mkdocs_genimage.log import SHOWN_FRAMES, where_raised


def fail(depth: int, text: str) -> None:
    if depth:
        fail(depth - 1, text)
    raise ValueError(text)


def caught(depth: int = 0) -> BaseException:
    with pytest.raises(ValueError, match="secret") as info:
        fail(depth, "secret")
    return info.value


def test_type_and_place() -> None:
    told = where_raised(caught())
    assert re.fullmatch(r"ValueError \((\S+test_log\.py:\d+(, )?){2}\)", told), told


def test_the_innermost_frames_of_a_deep_one() -> None:
    told = where_raised(caught(depth=50))
    line = fail.__code__.co_firstlineno
    assert told.count("test_log.py") == SHOWN_FRAMES
    assert told.endswith(f"test_log.py:{line + 3})")
    assert told.count(f":{line + 2}") == SHOWN_FRAMES - 1


def test_what_led_to_it() -> None:
    outer = KeyError("secret")
    outer.__cause__ = caught()
    told = where_raised(outer)
    assert told.startswith("KeyError because of ValueError (")
    assert "secret" not in told


def test_a_circle_ends() -> None:
    one, two = ValueError(), KeyError()
    one.__cause__, two.__context__ = two, one
    assert where_raised(one).count("because of") == SHOWN_FRAMES - 1
