"""PyPI's aics-witness and aics-tlog at work, in a virtual environment of their own (`install`).

main.py serve FOLDER NAME ORIGIN VKEY    a witness; one line of JSON: its url and vkey
main.py submit                           its client asks a witness; JSON in, JSON out
main.py verify                           its verifier counts cosignatures; JSON in, JSON out
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

from aics_tlog.checkpoint import verify_checkpoint
from aics_tlog.note import parse_note, parse_vkey
from aics_witness import cli
from aics_witness.config import load_config
from aics_witness.feeder import WitnessClient, merge_cosignatures
from aics_witness.service import Witness, make_server
from aics_witness.store import WitnessStore, load_or_create_key


def serve(folder: str, name: str, origin: str, vkey: str) -> None:
    """Serves on a free port until it is killed."""
    config = Path(folder) / "witness.json"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        steps = (
            ["init", "--config", str(config), "--name", name],
            ["add-log", "--config", str(config), "--origin", origin, "--vkey", vkey],
        )
        for words in steps:
            if cli.main(words):
                raise SystemExit(1)
    read = load_config(config)
    key, _, _ = load_or_create_key(read.key_path, create=False)
    witness = Witness(read.name, key, WitnessStore(read.db_path), read.logs)
    server = make_server(witness, "127.0.0.1", 0, prefix=read.prefix)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    print(json.dumps({"url": url, "vkey": witness.vkey_text}), flush=True)
    server.serve_forever()


def submit(task: dict) -> list[str]:
    """The cosigned notes, one after another through one client that remembers sizes."""
    with WitnessClient(task["url"], task["vkey"], max_attempts=1) as client:
        cosigned = []
        for note, proofs in task["steps"]:

            def proof(old: int, size: int, proofs: dict = proofs) -> list[bytes]:  # noqa: ARG001
                return [bytes.fromhex(one) for one in proofs[str(old)]]

            cosigned.append(merge_cosignatures(note, client.submit(note, proof)).decode())
        return cosigned


def verify(task: dict) -> dict:
    """What the verifier says of a cosigned checkpoint."""
    witnesses = [parse_vkey(vkey) for vkey in task["witnesses"]]
    found = verify_checkpoint(
        parse_note(task["note"]), parse_vkey(task["log"]), witnesses, task["quorum"]
    )
    return {"ok": found.ok, "times": found.timestamps, "error": found.error}


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        command = {"submit": submit, "verify": verify}[sys.argv[1]]
        print(json.dumps(command(json.load(sys.stdin))))
