"""The house keeps its shape: imports run one way, and pure modules stay pure.

`identity` <- `registry` <- `resolver`. A module is pure unless `EDGES` names it, and a pure module
touches no file, socket, clock, random source or framework: these come in as arguments. Each rule
is a function from parsed source to findings, and each is tried on source that breaks it, since a
rule that finds nothing may simply not be looking. To let a module touch the world, name it in
`EDGES`; nothing else needs to change.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from identity.errors import catalogue

REPOSITORY = Path(__file__).resolve().parent.parent

# A package may import itself and those before it.
LAYERS = ("identity", "registry", "resolver")
TOP_LEVEL = {*LAYERS, "specs", "tests"}

# Modules that may touch the world. The name of a package covers everything in it.
EDGES = (
    "identity.durable",
    "identity.keystore",
    "registry.stores",
    "resolver.access_log",
    "resolver.api",
    "resolver.app",
    "resolver.bench",
    "resolver.cli",
    "resolver.client",
    "resolver.demo",
    "resolver.feed",
    "resolver.folder",
    "resolver.folder_lock",
    "resolver.list_folder",
    "resolver.interop",
    "resolver.listening",
    "resolver.publication",
    "resolver.recursion",
    "resolver.registration",
    "resolver.rotation",
    "resolver.service",
    "resolver.settings",
    "resolver.simulator.enrolment",
    "resolver.simulator.hostile",
    "resolver.simulator.lying",
    "resolver.simulator.process",
    "resolver.simulator.run",
    "resolver.simulator.wire",
    "resolver.witness",
    "resolver.witnessing",
    "resolver.static_log",
    "resolver.tile_folder",
)

# What a pure module may not import, by the reason. A name covers its submodules.
IMPURE_IMPORTS = {
    "files": "fcntl glob mmap os shutil tempfile",
    "processes and threads": "asyncio concurrent multiprocessing signal subprocess threading",
    "the network": "aiohttp anyio http httpcore httpx requests select selectors socket ssl "
    "urllib.request websockets",
    "databases": "asyncpg dbm psycopg shelve sqlalchemy sqlite3",
    "frameworks": "click fastapi prometheus_client starlette uvicorn uvloop",
    "the clock": "sched time",
    "randomness": "nacl.utils numpy.random random secrets uuid.uuid1 uuid.uuid4",
    "hidden imports and output": "importlib logging",
}
# What a pure module may not call. "*" stands for the name of any class or object.
IMPURE_CALLS = {
    "files": "open io.open",
    "the terminal": "input print",
    "hidden imports": "__import__ eval exec",
    "the clock": "date.today datetime.now datetime.today datetime.utcnow",
    "randomness": "*Key.generate *.generate_private_key uuid.uuid1 uuid.uuid4",
}
VAGUE_NAMES = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
MOST_LINES = 400
# Longer all the same, and why.
LONG = {"identity.errors": "one tree of errors, one place to read it"}


class Source(NamedTuple):
    """One module: its dotted name, whether it is a package's `__init__`, and its text."""

    module: str
    is_package: bool
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


class Finding(NamedTuple):
    """Where a rule is broken, and how."""

    module: str
    line: int
    what: str


Rule = Callable[[Source], Iterator[Finding]]


def covers(name: str, module: str) -> bool:
    """Whether `name` is `module` or a package that holds it."""
    return module == name or module.startswith(name + ".")


def is_pure(module: str) -> bool:
    return not any(covers(edge, module) for edge in EDGES)


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of all that a module imports, type-checking blocks included.

    `from a import b` counts as `a.b`, since `b` may be a module.
    """
    package = source.module.split(".") if source.is_package else source.module.split(".")[:-1]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                yield node.lineno, ".".join([*base, alias.name])


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of attributes; what is not a name shows as `?`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def matches(call: str, pattern: str) -> bool:
    """Whether a dotted call ends in the pattern: `datetime.datetime.now` in `datetime.now`."""
    if "*" not in pattern:
        return call == pattern or ("." in pattern and call.endswith("." + pattern))
    owner, _, method = call.rpartition(".")
    return method == pattern.rpartition(".")[2] and owner.endswith(pattern.split(".")[0][1:])


def upward_imports(source: Source) -> Iterator[Finding]:
    own = LAYERS.index(source.module.split(".")[0])
    for line, name in imports(source):
        if name.split(".")[0] in {*LAYERS[own + 1 :], "tests", "specs"}:
            yield Finding(source.module, line, f"imports {name}, which lies above it")


def edges_imported(source: Source) -> Iterator[Finding]:
    if is_pure(source.module):
        for line, name in imports(source):
            if name.split(".")[0] in LAYERS and not is_pure(name):
                yield Finding(source.module, line, f"is pure and imports the edge {name}")


def impure_imports(source: Source) -> Iterator[Finding]:
    if not is_pure(source.module):
        return
    for line, name in imports(source):
        for reason, listed in IMPURE_IMPORTS.items():
            if any(covers(entry, name) for entry in listed.split()):
                yield Finding(source.module, line, f"is pure and imports {name} ({reason})")
        if covers("pathlib", name) and not name.startswith("pathlib.Pure"):
            yield Finding(source.module, line, f"is pure and imports {name}: PurePath does no I/O")


def impure_calls(source: Source) -> Iterator[Finding]:
    if not is_pure(source.module):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            call = dotted(node.func)
            for reason, listed in IMPURE_CALLS.items():
                if any(matches(call, pattern) for pattern in listed.split()):
                    yield Finding(source.module, node.lineno, f"is pure and calls {call}: {reason}")


def errors_outside_the_tree(source: Source) -> Iterator[Finding]:
    ours = {error.__name__ for error in catalogue()}
    if source.module != "identity.errors":
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and ours & {
                dotted(base).rpartition(".")[2] for base in node.bases
            }:
                yield Finding(source.module, node.lineno, f"{node.name}: errors have one tree")


def missing_docstrings(source: Source) -> Iterator[Finding]:
    if source.text.strip() and not (ast.get_docstring(source.tree) or "").strip():
        yield Finding(source.module, 1, "has no docstring")


def long_files(source: Source) -> Iterator[Finding]:
    lines = source.text.count("\n")
    if lines > MOST_LINES and source.module not in LONG:
        yield Finding(source.module, lines, f"has more than {MOST_LINES} lines: it wants to be two")


def vague_names(source: Source) -> Iterator[Finding]:
    for part in source.module.split("."):
        if part in VAGUE_NAMES or part.rpartition("_")[2] in VAGUE_NAMES - {"common"}:
            yield Finding(source.module, 1, f"{part!r} says nothing about what is in it")


def strange_packages(folders: set[str]) -> set[str]:
    """Of the top-level folders that hold Python, those that are not ours to have."""
    return {name for name in folders - TOP_LEVEL if not name.startswith(".")}


RULES: tuple[Rule, ...] = (
    upward_imports,
    edges_imported,
    impure_imports,
    impure_calls,
    errors_outside_the_tree,
    missing_docstrings,
    long_files,
    vague_names,
)


def sources(*folders: str) -> list[Source]:
    found = []
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            parts = path.relative_to(REPOSITORY).with_suffix("").parts
            if "node_modules" not in parts:
                is_package = parts[-1] == "__init__"
                name = ".".join(parts[:-1] if is_package else parts)
                found.append(Source(name, is_package, path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_packages_keep_the_rule(rule: Rule) -> None:
    assert [finding for source in sources(*LAYERS) for finding in rule(source)] == []


def test_the_tests_have_docstrings_and_telling_names() -> None:
    rules = (missing_docstrings, vague_names)
    assert [f for source in sources("tests") for rule in rules for f in rule(source)] == []


def test_no_package_besides_the_three() -> None:
    folders = {path.relative_to(REPOSITORY).parts[0] for path in REPOSITORY.glob("*/*.py")}
    assert set(LAYERS) <= folders
    assert strange_packages(folders) == set()


# Each rule on source that breaks it, and on the closest source that does not.

BREAKS: list[tuple[Rule, str, str]] = [
    (upward_imports, "identity.did", "import registry.merkle"),
    (upward_imports, "identity.did", "from registry import merkle"),
    (upward_imports, "registry.rules", "def f():\n    from resolver.schemes import SCHEMES"),
    (upward_imports, "registry.stores.sqlite", "import resolver"),
    (upward_imports, "resolver.app", "from tests.conftest import REPOSITORY"),
    (edges_imported, "registry.rules", "from registry.stores.sqlite import SqliteStore"),
    (edges_imported, "registry.rules", "from registry import stores"),
    (edges_imported, "registry.rules", "from .stores import sqlite"),
    (edges_imported, "resolver.schemes.gtin", "from ..client import Client"),
    (edges_imported, "identity.wallet", "from identity import keystore"),
    *[
        (impure_imports, "registry.rules", f"import {name}")
        for listed in IMPURE_IMPORTS.values()
        for name in listed.split()
        if not name.startswith("uuid.")
    ],
    (impure_imports, "registry.rules", "from os import urandom"),
    (impure_imports, "registry.rules", "from uuid import uuid4"),
    (impure_imports, "registry.rules", "from urllib import request"),
    (impure_imports, "registry.rules", "from pathlib import Path"),
    (impure_imports, "registry.rules", "import pathlib"),
    (impure_calls, "registry.rules", "open('x')"),
    (impure_calls, "registry.rules", "print('x')"),
    (impure_calls, "registry.rules", "__import__('os').getpid()"),
    (impure_calls, "registry.rules", "datetime.now(UTC)"),
    (impure_calls, "registry.rules", "datetime.datetime.utcnow()"),
    (impure_calls, "registry.rules", "datetime.date.today()"),
    (impure_calls, "registry.rules", "uuid.uuid4()"),
    (impure_calls, "identity.keys", "Ed25519PrivateKey.generate()"),
    (impure_calls, "identity.keys", "nacl.signing.SigningKey.generate()"),
    (impure_calls, "identity.keys", "ec.generate_private_key(curve)"),
    (errors_outside_the_tree, "registry.rules", "class Worse(errors.Conflict): ..."),
    (missing_docstrings, "registry.rules", "x = 1"),
    (missing_docstrings, "registry.rules", "'''   '''"),
    (long_files, "registry.rules", "x = 1\n" * (MOST_LINES + 1)),
    (vague_names, "registry.utils", ""),
    (vague_names, "resolver.common.codes", ""),
    (vague_names, "resolver.schemes.gs1_helpers", ""),
]
KEEPS: list[tuple[Rule, str, str]] = [
    (upward_imports, "resolver.app", "import registry, identity.did\nfrom . import api"),
    (upward_imports, "identity.did", "import registry_of_something_else"),
    (edges_imported, "registry.rules", "from registry.store import Store"),
    (edges_imported, "resolver.api", "from resolver.client import Client"),
    (impure_imports, "resolver.app", "import asyncio, os, time"),
    (impure_imports, "registry.rules", "from pathlib import PurePosixPath\nimport timeit, uuid"),
    (impure_imports, "registry.rules", "from urllib.parse import urlsplit"),
    (impure_calls, "resolver.cli.main", "print(open('x'), datetime.now(UTC))"),
    (impure_calls, "registry.rules", "datetime.fromisoformat(x); opened.open(); snow()"),
    (errors_outside_the_tree, "identity.errors", "class Conflict(RuleBroken): ..."),
    (errors_outside_the_tree, "registry.rules", "class Rules(Protocol): ..."),
    (missing_docstrings, "registry.rules", "'''What may happen.'''\nx = 1"),
    (missing_docstrings, "tests.identity", ""),
    (long_files, "registry.rules", "x = 1\n" * MOST_LINES),
    (vague_names, "resolver.service.commonwealth", ""),
]


def source_of(module: str, text: str) -> Source:
    return Source(module, is_package=False, text=text)


@pytest.mark.parametrize(("rule", "module", "text"), BREAKS)
def test_a_broken_rule_is_found(rule: Rule, module: str, text: str) -> None:
    assert list(rule(source_of(module, text)))


@pytest.mark.parametrize(("rule", "module", "text"), KEEPS)
def test_a_kept_rule_is_not_reported(rule: Rule, module: str, text: str) -> None:
    assert list(rule(source_of(module, text))) == []


def test_every_rule_is_tried_both_ways() -> None:
    assert {rule for rule, _, _ in BREAKS} == set(RULES)
    assert {rule for rule, _, _ in KEEPS} == set(RULES)


def test_relative_imports_in_a_package_start_at_itself() -> None:
    package = Source("resolver.schemes", is_package=True, text="from . import gtin")
    assert list(imports(package)) == [(1, "resolver.schemes.gtin")]


def test_a_fourth_package_is_found() -> None:
    assert strange_packages({"identity", "tests", ".venv", "shared"}) == {"shared"}
