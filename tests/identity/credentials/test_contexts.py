"""The bundled contexts are the ones that their README names, and what others have."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from identity.credentials import contexts
from identity.credentials.active_context import EMPTY
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "identity" / "credentials" / "contexts"


def test_each_file_is_the_one_that_the_readme_names() -> None:
    rows = re.findall(
        r"^\| `(\S+\.json)` \| `(\S+)` \|.*\| `([0-9a-f]{64})` \|$",
        (FOLDER / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    files = {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    assert {name for name, _, _ in rows} == files.keys()
    assert {url for _, url, _ in rows} == contexts.DOCUMENTS.keys()
    for name, url, digest in rows:
        assert hashlib.sha256(files[name]).hexdigest() == digest
        assert json.loads(files[name]) == contexts.DOCUMENTS[url]


def test_they_are_what_others_have(vectors: Path) -> None:
    folder = vectors / "contexts"
    index = json.loads((folder / "index.json").read_bytes())
    compared = {url: index[url] for url in contexts.DOCUMENTS if url in index}
    assert len(compared) >= 6
    for url, name in compared.items():
        assert json.loads((folder / name).read_bytes()) == contexts.DOCUMENTS[url], url


def test_the_base_context_has_the_published_digest(vectors: Path) -> None:
    official = (vectors / "contexts" / "w3c-official-credentials-v2.jsonld").read_bytes()
    assert contexts.OFFICIAL[contexts.BASE] == official


def test_each_is_a_context_that_can_be_processed_after_the_base() -> None:
    # Each data model protects its terms from the other, and so from the examples of the first.
    examples = "https://www.w3.org/2018/credentials/examples/v1"
    assert EMPTY.extended([contexts.FIRST, examples]).terms.keys() >= {"proof", "degreeType"}
    base = EMPTY.extended([contexts.BASE])
    assert base.terms
    for url in contexts.DOCUMENTS.keys() - {contexts.FIRST, examples}:
        assert base.extended(url).terms.keys() >= base.terms.keys()
