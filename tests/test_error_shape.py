"""The error tree is what its docstring draws, and every code means one thing."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

from identity import errors
from identity.errors import Conflict, TetradError, catalogue

CLASSES = [error for error in catalogue() if error.__module__ == errors.__name__]
DRAWN = re.compile(r"^(?P<edge>[ │├└─]*)(?P<names>[A-Z]\w+(?:, [A-Z]\w+)*)(?:  +\S.*)?$")


def drawn_tree(docstring: str) -> dict[str, str]:
    """Each class in the drawing, with the class that it hangs from ('' for the root).

    A level is four columns wide; names on one line, separated by commas, are siblings.
    """
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in inspect.cleandoc(docstring).splitlines():
        match = DRAWN.match(line)
        if match is None or not line.startswith("    "):
            continue
        depth = len(match["edge"]) // 4 - 1
        del path[depth:]
        names = match["names"].split(", ")
        assert not parents.keys() & set(names), f"drawn twice: {names}"
        parents |= dict.fromkeys(names, path[-1] if path else "")
        path.append(names[-1])
    return parents


def test_the_drawing_is_read_as_it_is_meant() -> None:
    drawing = """Text.

        Root
        ├── One         why
        │   ├── Two, Three
        │   └── Four    why
        │       └── Five
        └── Six
    Text, More text."""
    assert drawn_tree(drawing) == {
        "Root": "",
        "One": "Root",
        "Two": "One",
        "Three": "One",
        "Four": "One",
        "Five": "Four",
        "Six": "Root",
    }


def test_the_docstring_draws_the_classes() -> None:
    in_code = {error.__name__: error.__bases__[0].__name__ for error in CLASSES}
    in_code["TetradError"] = ""
    assert drawn_tree(errors.__doc__ or "") == in_code


def test_every_class_is_in_the_catalogue_once() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, TetradError)
    }
    assert Counter(CLASSES) == Counter(defined)


def test_codes_are_unique_and_each_class_has_its_own() -> None:
    repeated = [code for code, n in Counter(error.code for error in CLASSES).items() if n > 1]
    assert repeated == []
    assert [error.__name__ for error in CLASSES if "code" not in vars(error)] == []


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_each_class_is_fit_to_be_shown(error: type[TetradError]) -> None:
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", error.code)
    assert error.status == 300 or 400 <= error.status < 600
    assert error.title[0].isupper()
    assert not error.title.endswith(".")
    assert re.fullmatch(r"specs/[1-4]-[a-z]+\.md(#[a-z-]+)?", error.section)
    assert (error.__doc__ or "").strip()


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_problem_details_carry_what_a_program_needs(error: type[TetradError]) -> None:
    problem = error("What happened.", pointer="/body/code", hint="Do this.", at="here").problem()
    assert problem == {
        "type": f"urn:tetrad:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": "What happened.",
        "section": error.section,
        "pointer": "/body/code",
        "hint": "Do this.",
        "at": "here",
    }


def test_members_cannot_pass_for_the_code_or_the_status() -> None:
    problem = Conflict("Taken.", code="ok", status=200, type="about:blank").problem()
    assert (problem["code"], problem["status"]) == ("conflict", 409)
    assert problem["type"] == "urn:tetrad:error:conflict"


def test_a_pointer_and_a_hint_are_shown_only_where_there_is_one() -> None:
    assert not {"pointer", "hint"} & Conflict("Taken.").problem().keys()


def test_the_table_in_the_specification_is_the_catalogue() -> None:
    """Each code once, with its status, class and section, in the order of the tree."""
    page = Path(__file__).parent.parent / "specs" / "4-errors.md"
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| (\d{3}) \| (\w+) \| .* \| (?:\[[^]]+\]\((\S+)\)|–) \|$",
        page.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert rows == [
        (
            error.code,
            str(error.status),
            error.__name__,
            error.section.removeprefix("specs/") if "#" in error.section else "",
        )
        for error in CLASSES
    ]
