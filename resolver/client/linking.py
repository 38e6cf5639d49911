"""What a client does with links: sets those of a code, and asks for them, proved.

    client.set_links(acme, "(01)09506000134352", [{"relation": "gs1:pip", "href": "https://…",
                                                   "title": "Meter M1"}])
    client.links("09506000134352").record["links"]

Flows (resolver/client/flow.py) over the writing half of a client. Specified in
specs/3-resolution.md, "Links".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from identity.errors import InvalidAnswer, NotFound
from identity.jcs import Json
from registry.links import links_key
from registry.state import LinksRecord
from resolver.client.flow import Flow, Request, ask, json_object, refusal
from resolver.client.reading import PROVED
from resolver.client.resolved import note_of
from resolver.client.sending import Acknowledged
from resolver.client.writing import Writing
from resolver.freshness import Age
from resolver.links import VerifiedLinks, verify_links, verify_no_links
from resolver.schemes import SCHEMES, Code


@dataclass(frozen=True, slots=True)
class Linked:
    """A verified answer about the links of a code."""

    read_as: Code
    verified: VerifiedLinks
    age: Age
    answer: dict[str, Json]
    """As the server gave it, its proof included."""

    @property
    def record(self) -> LinksRecord:
        """What was set."""
        return self.verified.record

    @property
    def asserted(self) -> str:
        """What rests on the registry's word alone."""
        return "that its signer held the prefix of the code then is the registry's word"


def set_links(
    flows: Writing,
    by: str,
    code: str,
    links: Sequence[Mapping[str, Json]],
    *,
    scheme: str | None = None,
    description: str | None = None,
) -> Flow[Acknowledged]:
    """All links of a code, in the place of those before; none where the list is empty. `by` is the
    organization that holds the prefix which most closely encloses the code, or the authority."""
    anchor = SCHEMES.read(code, scheme)
    body: dict[str, Json] = {"anchor": anchor._asdict(), "links": [dict(one) for one in links]}
    if description is not None:
        body["description"] = description
    return (yield from flows.change("links.set", by, body, by=[by]))


def links(
    flows: Writing, code: str, *, scheme: str | None = None, max_age: int | None = None
) -> Flow[Linked]:
    """The links of a code, proved to be the newest, with whose signature they were set.

    `max_age` bounds the answer's age in seconds. Raises InvalidIdentifier, EvidenceRefused,
    InvalidProof; NotFound, whose members `proved`, `stateRoot`, `age` and `datedBy` say that there
    are none, on what grounds.
    """
    read_as = SCHEMES.read(code, scheme)
    query = {"code": read_as.value, "scheme": read_as.scheme, "proof": "1"}
    response = yield from ask(Request("GET", "/v1/links", query))
    key = links_key(*read_as)
    if response.status != 200:
        missing = refusal(response)
        for name in PROVED:
            missing.members.pop(name, None)  # it is not for a server to say
        if isinstance(missing, NotFound):
            if "proof" not in missing.members:
                raise InvalidAnswer(
                    f"that there is none is not proved: {missing.detail}", hint=missing.hint
                )
            note = note_of(missing.members)
            yield from flows.learn(note)
            state = verify_no_links(missing.members.get("proof"), flows.trust.pinned, key)
            age = flows.dated(state.checkpoint, max_age)
            yield from flows.observe(note)
            told = (True, state.root.index, age.seconds, age.by or None)
            missing.members.update(zip(PROVED, told, strict=True))
        raise missing
    answer = json_object(response.body)
    note = note_of(answer)
    yield from flows.learn(note)
    verified = verify_links(answer, flows.trust.pinned, key)
    age = flows.dated(verified.state.checkpoint, max_age)
    yield from flows.observe(note)
    return Linked(read_as, verified, age, answer)
