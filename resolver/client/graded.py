"""The content of data records, held against the proved record; its log, and its erasure.

    content = client.data("(01)09506000134352(21)M-0017")              # general data, for anyone
    content.value                                                      # what was committed to
    session = client.authenticate(acme.did)
    client.data(code, session=session)                                 # important data
    client.accesses(session, content.did)                              # who else was shown it
    client.erase_data(session, content.did)

Each is a flow (resolver/client/flow.py). A service is believed nothing: a content counts where its
disclosure is the one that the record, proved to the pinned genesis, commits to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote

from identity.disclosure import DATA, open_disclosure
from identity.errors import InvalidAnswer, InvalidDisclosure, NotFound, TetradError
from identity.jcs import Json, parse
from resolver.accesses import SHOWN, ChainHead, verify_chain
from resolver.client.authenticating import Session
from resolver.client.flow import Flow, Request, Response, ask, json_object, member, refusal
from resolver.client.resolved import Resolved
from resolver.client.writing import Writing

_MOST_PAGES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Content:
    """What a device's record commits to."""

    did: str
    data: dict[str, Any]
    """The data record, as it was proved."""
    disclosure: str
    value: str
    """The text that was committed to; JSON, mostly."""
    resolved: Resolved

    @property
    def json(self) -> Json:
        """The value as JSON. Raises InvalidInput where it is none."""
        return parse(self.value.encode())


@dataclass(frozen=True, slots=True)
class AccessesRead:
    """One chain of a log of accesses, unbroken to its head."""

    records: list[dict[str, Any]]
    dropped: int
    """Records that have left at the front."""
    head: ChainHead
    waiting: list[dict[str, Any]]
    """Refusals that are counted and not recorded yet: the service's word."""


def data(
    client: Writing,
    name: str,
    *,
    session: Session | None = None,
    version: int | None = None,
    at: str | None = None,
) -> Flow[Content]:
    """The content of the data record of a device, named by its code or DID: the present one, that
    of a version, or the one at a time.

    Raises DataWithheld with `satisfies`, DataErased, NotFound, AuthenticationFailed where a
    `session` is needed, EvidenceRefused for a content that is not the one committed to.
    """
    resolved = yield from client.resolve(name, at=at, tombstones=True)
    query = {} if version is None else {"version": str(version)}
    query |= {} if at is None else {"at": at}
    path = f"/v1/devices/{quote(resolved.did, safe=':')}/data"
    answer = json_object((yield from _asked(session, "GET", path, query)).body)
    if version is not None:
        # As it was when that version was set: what came later has its own record.
        since = member(member(answer, "set", dict), "time", str)
        resolved = yield from client.resolve(resolved.did, at=since, tombstones=True)
    content = held_against(resolved, member(answer, "disclosure", str))
    if version not in (None, content.data["version"]):
        raise InvalidAnswer("the record that is proved has another version", pointer="/set")
    return content


def held_against(resolved: Resolved, disclosure: str) -> Content:
    """A disclosure, from wherever it came, that is of the content which a proved record commits to.

    Raises NotFound where the record has no data, InvalidAnswer.
    """
    record: Any = resolved.device["data"]
    if record == "none":
        raise NotFound("the device has no data record")
    try:
        opened = open_disclosure(disclosure)
    except InvalidDisclosure as error:
        raise InvalidAnswer(error.detail, pointer="/disclosure") from None
    if opened.name != DATA or opened.digest != record["commitment"]:
        raise InvalidAnswer(
            "this is not the content that the device's record commits to", pointer="/disclosure"
        )
    return Content(resolved.did, record, disclosure, opened.value, resolved)


def accesses(
    client: Writing,  # noqa: ARG001 - a flow of the client, which drives it
    session: Session,
    did: str,
    *,
    of: str = SHOWN,
) -> Flow[AccessesRead]:
    """Who was `shown` the data of a device, or `refused`, for its controller.

    Raises InvalidAnswer where a record is missing or was changed, DataWithheld for who is not the
    controller. That the head is the newest is the service's word: compare it with an earlier one.
    """
    path = f"/v1/devices/{quote(did, safe=':')}/accesses"
    records: list[Any] = []
    cursor = 0
    for _ in range(_MOST_PAGES):
        query = {"of": of, "cursor": str(cursor)}
        page = json_object((yield from _asked(session, "GET", path, query)).body)
        records += member(page, "accesses", list)
        following = page.get("cursor")
        if type(following) is not int or following <= cursor:
            break
        cursor = following
    shown = member(page, "head", dict)
    head = ChainHead(member(shown, "n", int), member(shown, "hash", str))
    try:
        dropped = verify_chain(records, head, device=did, chain=of)
    except InvalidAnswer:
        raise
    except TetradError as error:
        raise InvalidAnswer(f"the log cannot be read: {error.detail}") from None
    return AccessesRead(records, dropped, head, member(page, "waiting", list))


def erase_data(
    client: Writing,  # noqa: ARG001 - as above
    session: Session,
    did: str,
    *,
    version: int | None = None,
    of: str = "data",
) -> Flow[dict[str, Json]]:
    """Erases the content of a data record at the service, or its `serial`, `number` or `code`
    disclosures; the commitments stay. By the controller or the authority. Raises DataWithheld,
    NotFound where nothing of it was ever there."""
    path = f"/v1/devices/{quote(did, safe=':')}/" + ("data" if of == "data" else "disclosures")
    query = {} if of == "data" else {"of": of}
    query |= {} if version is None else {"version": str(version)}
    return json_object((yield from _asked(session, "DELETE", path, query)).body)


def _asked(
    session: Session | None, method: str, path: str, query: dict[str, str]
) -> Flow[Response]:
    """One request, in the name of a session where there is one: that is sent once."""
    if session is None:
        response = yield from ask(Request(method, path, query))
    else:
        headers = session.headers(method, path)
        response = cast("Response", (yield Request(method, path, query, headers=headers)))
    if response.status != 200:
        raise refusal(response)
    return response
