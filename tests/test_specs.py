"""The specification says what the code does: examples, tables, anchors and codes are compared."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from starlette.routing import Route

from identity.errors import catalogue
from registry import rules
from registry.rules import ROWS
from resolver.app import create_app
from resolver.folder import MemorySite
from resolver.settings import Settings
from tests.factory import NOW
from tests.spec_blocks import BLOCK, SPECS, block, files

ROOT = SPECS.parent
PAGES = sorted(SPECS.glob("*.md"))
ADRS = sorted((SPECS / "adr").glob("*.md"))
PACKAGES = ("identity", "registry", "resolver")
CODE = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
RENEW = "run: python -m tests.spec_blocks"


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(path: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose(text_of(path)), re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """As GitHub makes them: lower case, hyphens for spaces, no punctuation."""
    return {
        re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings(path)
    }


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda path: path.name)
def test_generated_parts_are_what_the_code_gives(page: Path) -> None:
    for _, name, inside, _ in BLOCK.findall(text_of(page)):
        assert inside == block(name), f"{page.name}, {name}: {RENEW}"


@pytest.mark.parametrize("name", list(files()))
def test_example_files_are_what_the_code_gives(name: str) -> None:
    assert (SPECS / "examples" / name).read_bytes() == files()[name], RENEW


@pytest.mark.parametrize("error", list(catalogue()), ids=lambda error: error.__name__)
def test_every_error_names_a_section_that_exists(error: type) -> None:
    page, _, anchor = error.section.partition("#")  # type: ignore[attr-defined]
    assert (ROOT / page).is_file()
    assert not anchor or anchor in anchors(ROOT / page)


def test_every_docstring_names_a_section_that_exists() -> None:
    missing = []
    for path in CODE:
        flowing = re.sub(r"\s+", " ", text_of(path))
        for page, heading in re.findall(r'specs/([1-4]-\w+\.md), "([^"]+)"', flowing):
            if heading not in headings(SPECS / page):
                missing.append(f"{path.name}: {page}, {heading}")
    assert missing == []


@pytest.mark.parametrize(
    "page", [*PAGES, *ADRS, ROOT / "README.md", ROOT / "CHANGELOG.md"], ids=lambda path: path.name
)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        aim = (page.parent / name).resolve() if name else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(target)
    assert broken == []


def operations_in(first_cells: list[str]) -> list[str]:
    """Operation names out of the first cells of a table of signers, in their order."""
    found: list[str] = []
    for cell in first_cells:
        family = ""
        for name in re.findall(r"[a-z]*\.[a-z]+", cell):
            family = name.split(".")[0] or family
            found.append(f"{family}.{name.split('.')[1]}")
    return found


def test_the_table_of_signers_is_that_of_the_rule_book() -> None:
    in_code = [model.model_fields["type"].annotation.__args__[0] for model in ROWS]  # type: ignore[union-attr]
    drawn = re.findall(r"^    ([a-z]+\.[a-z]+(?:, \.[a-z]+)?) ", rules.__doc__ or "", re.MULTILINE)
    section = text_of(SPECS / "2-registry.md").split("\n## Signers\n")[1].split("\n## ")[0]
    written = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    assert operations_in(drawn) == in_code
    assert operations_in(written) == in_code


def test_every_operation_has_its_section_and_example_in_the_same_order() -> None:
    in_code = [model.model_fields["type"].annotation.__args__[0] for model in ROWS]  # type: ignore[union-attr]
    page = text_of(SPECS / "2-registry.md")
    assert re.findall(r"^### ([a-z]+\.[a-z]+)$", page, re.MULTILINE) == in_code
    examples = re.findall(r"<!-- generated: (?:operation|body) (\S+) -->", page)
    assert examples == in_code


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_codes_of_errors_in_the_text_are_those_of_the_catalogue(page: Path) -> None:
    codes = {error.code for error in catalogue()}
    quoted = re.findall(r"\[(`[a-z_.`,\s]+`)\](?!\()", text_of(page))
    named = {code for group in quoted for code in re.findall(r"`([a-z_.]+)`", group)}
    assert named <= codes


def test_every_address_of_the_service_is_in_the_table_and_no_other() -> None:
    app = create_app(Settings(), MemorySite.sandbox(NOW))
    served = {without_names(route.path) for route in app.routes if isinstance(route, Route)}
    page = text_of(SPECS / "3-resolution.md").split("\n## HTTP\n")[1]
    quoted = re.findall(r"`(?:GET |POST |DELETE )?(/[^`? ]*)", page)
    written = {without_names(path) for path in quoted}
    assert written - {"/v1"} == served


def without_names(path: str) -> str:
    """A path whose parameters have no names: those of the code may differ from the page's."""
    return re.sub(r"\{[^}]*\}|…", "*", path)


def test_the_shell_follows_the_hash_chain() -> None:
    """The console example of "Entries" gives what is printed under it."""
    page = text_of(SPECS / "2-registry.md")
    session = next(s for s in re.findall(r"```console\n(.*?)```", page, re.DOTALL))
    commands = [line[2:] for line in session.splitlines() if line.startswith("$ ")]
    printed = [line for line in session.splitlines() if not line.startswith("$ ")]
    done = subprocess.run(
        ["bash", "-euc", "\n".join(commands)],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == printed


def test_every_decision_is_in_the_index() -> None:
    index = text_of(SPECS / "adr" / "README.md")
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", index)
    assert listed == [path.name for path in ADRS if path.name != "README.md"]
