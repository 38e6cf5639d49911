"""Receipts: the text of C2SP tlog-proof, read strictly."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidReceipt
from registry.note import MAX_BYTES, encode64
from registry.receipt import MAX_HASHES, TlogProof

HASH = encode64(bytes(32))
HEADER = "c2sp.org/tlog-proof@v1\n"


@given(
    st.integers(0, 2**63 - 2),
    st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_HASHES),
    st.binary(),
    st.binary(min_size=1),
)
def test_what_is_written_is_read(
    index: int, hashes: list[bytes], extra: bytes, checkpoint: bytes
) -> None:
    proof = TlogProof(index, tuple(hashes), extra, checkpoint)
    assert TlogProof.parse(proof.format()) == proof


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER,
        HEADER + "index 0\n",
        HEADER + "index 0\n\n",
        HEADER + "\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint\n",
        " " + HEADER + "index 0\n\ncheckpoint\n",
        HEADER + "index 00\n\ncheckpoint\n",
        HEADER + "index 01\n\ncheckpoint\n",
        HEADER + "index +1\n\ncheckpoint\n",
        HEADER + "index 1 \n\ncheckpoint\n",
        HEADER + "index  1\n\ncheckpoint\n",
        HEADER + "index ١\n\ncheckpoint\n",
        HEADER + f"index {2**63 - 1}\n\ncheckpoint\n",
        HEADER + "Index 1\n\ncheckpoint\n",
        HEADER + "extra\nindex 1\n\ncheckpoint\n",
        HEADER + "extra \nindex 1\n\ncheckpoint\n",
        HEADER + "extra YR==\nindex 1\n\ncheckpoint\n",
        HEADER + "extra YQ==\nextra YQ==\nindex 1\n\ncheckpoint\n",
        HEADER + "index 1\nextra YQ==\n\ncheckpoint\n",
        HEADER + f"index 1\n{HASH} \n\ncheckpoint\n",
        HEADER + f"index 1\n{HASH[:-2]}B=\n\ncheckpoint\n",
        HEADER + f"index 1\n{encode64(bytes(31))}\n\ncheckpoint\n",
        HEADER + f"index 1\r\n{HASH}\n\ncheckpoint\n",
        HEADER + "index 1\n" + f"{HASH}\n" * 64 + "\ncheckpoint\n",
        HEADER + "index 1\n\n" + "c" * MAX_BYTES,
    ],
)
def test_texts_that_are_no_receipt(text: str) -> None:
    with pytest.raises(InvalidReceipt):
        TlogProof.parse(text.encode())


@given(st.binary() | st.binary().map(lambda rest: HEADER.encode() + rest))
def test_hostile_receipts_raise_only_our_errors(data: bytes) -> None:
    try:
        proof = TlogProof.parse(data)
    except InvalidReceipt:
        return
    assert proof.format() == data


def test_receipt_vectors(vectors: Path) -> None:
    cases = json.loads((vectors / "tlog" / "derived" / "tlog_proof.json").read_bytes())
    assert cases["valid"]
    for case in cases["valid"]:
        text = case["text"].encode()
        proof = TlogProof(
            case["index"],
            tuple(map(b64decode, case["hashes"])),
            b64decode(case["extra"] or ""),
            case["checkpoint"].encode(),
        )
        assert TlogProof.parse(text) == proof
        assert proof.format() == text
    assert cases["invalid"]
    for invalid in cases["invalid"]:
        with pytest.raises(InvalidReceipt):
            TlogProof.parse(invalid.encode())
