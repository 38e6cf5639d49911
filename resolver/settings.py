"""Settings of the service: every limit with its default and its reason.

    settings = Settings.from_environment(os.environ)     # TETRAD_QUEUE_LENGTH=500 …
    settings = Settings(queue_length=500)

The table in the documentation is made by `table()`. What the protocol itself fixes (the bytes of an
operation, the depth of JSON, the disclosures beside an operation) is not set here: two services
that differed in it would disagree about what is valid.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from identity.errors import MalformedInput

PREFIX: Final = "TETRAD_"


def _setting(default: int, least: int, most: int, unit: str, why: str) -> int:
    bounds = {"least": least, "most": most, "unit": unit, "why": why}
    return field(default=default, metadata=bounds)


def _cores() -> int:
    return min(2, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of one service. Raises MalformedInput for a value out of its bounds."""

    # Requests
    body_bytes: int = _setting(
        131_072, 1_024, 262_144, "bytes", "body of a request other than a batch; read no further"
    )
    batch_bytes: int = _setting(
        8_388_608, 65_536, 2**28, "bytes", "body of an NDJSON batch, held in memory while it waits"
    )
    batch_lines: int = _setting(1_000, 1, 100_000, "lines", "operations of one NDJSON batch")
    batches: int = _setting(
        8, 1, 1_000, "requests", "batches that are read and worked on at a time; more get 503"
    )
    body_seconds: int = _setting(
        20, 1, 3_600, "seconds", "within which a body must have arrived; 408 for slower ones"
    )
    header_seconds: int = _setting(
        10, 1, 3_600, "seconds", "within which the head of a request must have arrived"
    )
    header_bytes: int = _setting(
        32_768, 1_024, 2**20, "bytes", "address and headers of a request, together"
    )
    connections: int = _setting(
        1_024, 1, 100_000, "connections", "open at a time; one more gets 503 and is closed"
    )

    # Writing
    queue_length: int = _setting(
        10_000, 1, 1_000_000, "operations", "accepted and not yet committed; more get 503"
    )
    commit_operations: int = _setting(
        2_000, 1, 100_000, "operations", "after which a commit takes no further request along"
    )
    retry_seconds: int = _setting(1, 1, 3_600, "seconds", "Retry-After of an answer with 503")
    checkers: int = _setting(
        _cores(), 0, 256, "processes", "that check batches; with 0 the service checks them itself"
    )
    chunk_lines: int = _setting(125, 1, 10_000, "lines", "of a batch that a checker gets at a time")
    checkpoint_seconds: int = _setting(
        1, 0, 60, "seconds", "at most, between a commit and its checkpoint, kept and published"
    )
    witness_seconds: int = _setting(
        2, 1, 60, "seconds", "that a publication waits for the cosignatures of its witnesses"
    )
    stop_seconds: int = _setting(
        30, 1, 3_600, "seconds", "that requests in flight have to end when the service stops"
    )

    # Reading
    page_rows: int = _setting(100, 1, 1_000, "rows", "of one page of a listing or a history")
    lookups: int = _setting(
        60, 1, 1_000_000, "requests", "POST /v1/resolve for each client address and minute"
    )
    absences: int = _setting(
        100,
        0,
        1_000_000,
        "requests",
        "not found and asked to be proved absent, for each client address and day, where the "
        "ledger can prove it; with 0 it never does",
    )
    labels: int = _setting(
        600, 1, 1_000_000, "requests", "GET /v1/labels for each client address and minute"
    )
    list_writes: int = _setting(
        60, 1, 1_000_000, "requests", "PUT of status lists for each client address and minute"
    )
    status_lists: int = _setting(
        1_000, 1, 1_000_000, "lists", "of all issuers, kept in the data folder"
    )
    followers: int = _setting(
        100, 1, 100_000, "connections", "that follow the feed at a time; one more gets 503"
    )
    followers_each: int = _setting(
        20, 1, 100_000, "connections", "that follow the feed from one client address"
    )
    heartbeat_seconds: int = _setting(
        15, 1, 3_600, "seconds", "between two signs of life where the feed has nothing to tell"
    )
    data_reads: int = _setting(
        600, 1, 1_000_000, "requests", "for content and its log, for each client address and minute"
    )
    accesses: int = _setting(
        500_000,
        100,
        100_000_000,
        "records",
        "of important data that was shown, and a tenth of them of refusals; the oldest leave first",
    )
    accesses_each: int = _setting(
        10_000, 10, 1_000_000, "records", "of one device, of what was shown and of refusals each"
    )
    lookup_clients: int = _setting(
        10_000, 1, 10_000_000, "addresses", "whose lookups are counted; the oldest is forgotten"
    )

    # Authentication
    challenge_seconds: int = _setting(
        60, 5, 600, "seconds", "that a challenge waits for its answer"
    )
    challenges: int = _setting(
        100_000, 100, 10_000_000, "challenges", "that wait at a time; for one more there is a 503"
    )
    challenges_per_minute: int = _setting(
        600, 1, 1_000_000, "requests", "POST /v1/challenges for each client address and minute"
    )
    token_seconds: int = _setting(
        600, 10, 3_600, "seconds", "that a token is in force, unless its subject changes before"
    )
    tokens: int = _setting(
        100_000, 100, 10_000_000, "tokens", "in force at a time; for one more there is a 503"
    )
    tokens_each: int = _setting(
        8, 1, 1_000, "tokens", "of one subject; with one more the oldest ends"
    )
    token_proofs: int = _setting(
        100_000, 1_000, 10_000_000, "proofs", "of possession that are remembered; more get 503"
    )
    authenticated_keys: int = _setting(
        100_000, 100, 10_000_000, "keys", "watched for a second client; the oldest is forgotten"
    )

    # Recursion
    answer_seconds: int = _setting(
        300, 1, 86_400, "seconds", "that a recursive resolver keeps an answer, from its proof on"
    )
    none_seconds: int = _setting(
        90, 1, 3_600, "seconds", "that it keeps that there is none, from the proof of that on"
    )
    stale_seconds: int = _setting(
        3_600, 0, 604_800, "seconds", "that it keeps an answer beyond, while a node is down"
    )
    proof_seconds: int = _setting(
        600, 120, 86_400, "seconds", "the most that a checkpoint of a node may be old"
    )
    kept_answers: int = _setting(
        20_000, 1, 10_000_000, "answers", "in its cache; so many more that there is none"
    )
    kept_megabytes: int = _setting(256, 1, 65_536, "MiB", "that the answers in its cache take")

    def __post_init__(self) -> None:
        for setting in fields(self):
            value, least, most = getattr(self, setting.name), *_bounds(setting.metadata)
            if type(value) is not int or not least <= value <= most:
                raise MalformedInput(
                    f"the setting {setting.name} is {value!r}",
                    hint=f"{least} to {most} {setting.metadata['unit']}",
                )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **given: int) -> Settings:
        """Settings out of TETRAD_… variables; `given` ones win. Other variables are not ours."""
        for setting in fields(cls):
            text = environment.get(PREFIX + setting.name.upper())
            if text is None or setting.name in given:
                continue
            if not (text.isascii() and text.isdigit() and len(text) < 12):
                raise MalformedInput(
                    f"{PREFIX}{setting.name.upper()} is {text[:40]!r}", hint="a decimal number"
                )
            given[setting.name] = int(text)
        return cls(**given)


def _bounds(metadata: Mapping[str, Any]) -> tuple[int, int]:
    return metadata["least"], metadata["most"]


def table() -> str:
    """The settings as a Markdown table, for the documentation."""
    rows = [
        f"| `{PREFIX}{setting.name.upper()}` | {_default(setting.name, setting.default)} "
        f"| {setting.metadata['unit']} | {setting.metadata['why']} |"
        for setting in fields(Settings)
    ]
    head = ["| variable | default | unit | what it limits |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


def _default(name: str, default: object) -> str:
    return "cores, at most 2" if name == "checkers" else f"{default:,}"
