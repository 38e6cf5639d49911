"""The page of a report: HTML for screen and paper, without scripts or anything from elsewhere.

Every text on it that somebody else wrote is escaped, and its invisible characters are shown by
their numbers. Each statement stands on a line of its own, so that a difference has a place.
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any, Final, cast

from identity.jcs import Json
from identity.members import format_time
from identity.operation import operation_hash
from registry.note import encode64
from registry.state import Key
from resolver.freshness import Age
from resolver.path import Hop
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer

OPENING: Final = '<template id="evidence">'
CLOSING: Final = "</template>"
STYLE: Final = (
    ":root{color-scheme:light dark;--line:#8884;--soft:#8881;--good:#17692f;--bad:#a3211b;"
    "--open:#8a5a00}"
    "@media(prefers-color-scheme:dark){:root{--good:#6fd08c;--bad:#ff8f86;--open:#e8b84b}}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:54rem;margin:2.5rem auto;padding:0 1.25rem}"
    "header{border-bottom:3px solid var(--line);padding-bottom:1rem}"
    "h1{font-size:1.1rem;font-weight:600;margin:0;letter-spacing:.02em}"
    "h2{font-size:1.05rem;margin:2.2rem 0 .5rem}"
    ".status{font-size:2rem;font-weight:700;margin:.2rem 0 0;line-height:1.2}"
    ".active{color:var(--good)}.suspended{color:var(--open)}.revoked,.retired{color:var(--bad)}"
    ".what{font-size:1.1rem;margin:.2rem 0;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;"
    "border-bottom:1px solid var(--line);overflow-wrap:anywhere}"
    "th{font-weight:500;width:12rem}thead th{width:auto}"
    "code{font:.88em ui-monospace,monospace;overflow-wrap:anywhere}"
    "ul{list-style:none;padding:0;margin:0}"
    "li{padding:.3rem 0 .3rem 1.8rem;text-indent:-1.8rem;overflow-wrap:anywhere}"
    "li b{display:inline-block;width:1.8rem;text-indent:0}"
    ".yes b{color:var(--good)}.no b{color:var(--open)}"
    ".odd{border:1px solid;font-size:.75em;padding:0 .2em}"
    ".warn{border-left:4px solid var(--open);background:var(--soft);padding:.5rem .9rem;"
    "margin:.8rem 0}"
    "footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem;font-size:.9rem}"
    "@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}"
    "tr,li{break-inside:avoid}}"
)
_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    + b64encode(sha256(STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)
_SAYS: Final = {
    "active": "The registry vouches for this device.",
    "suspended": "This device is suspended: do not rely on it until that is lifted.",
    "revoked": "This device is revoked, for good. Its code will never be another's.",
    "retired": "This device is retired, for good. Its code will never be another's.",
}
_HIDDEN: Final = frozenset(("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a page tells, out of verified evidence."""

    asked: str
    made: str
    answer: Mapping[str, Json]
    key: Key | None
    root: Trust
    """The ledger that a reader knows from elsewhere."""
    trust: Trust
    """The one that answers."""
    verified: VerifiedAnswer
    age: Age
    """The greatest on the way."""
    hops: tuple[Hop, ...] = ()
    """The way from the root to whoever answers, where these are two."""
    asserted: str = ""


def text(value: object) -> str:
    """A text for people: escaped, its invisible characters by their numbers."""
    return "".join(
        f'<span class="odd">U+{ord(one):04X}</span>'
        if unicodedata.category(one) in _HIDDEN
        else escape(one)
        for one in str(value)
    )


def page(shown: Shown, data: str) -> bytes:
    """The whole page; `data` is the evidence in base64."""
    verified = shown.verified
    device = cast("dict[str, Any]", verified.device)
    name = f"{_maker_name(shown) or device['object']['maker']} {device['object']['model']}"
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Proof: {text(name)}</title>",
        f"<style>{STYLE}</style></head><body>",
        "<header><h1>Proof of a device</h1>",
        f'<p class="status {escape(verified.status)}">{escape(verified.status.upper())}</p>',
        f'<p class="what"><bdi>{text(name)}</bdi></p>',
        f"<p>{_SAYS[verified.status]}</p></header>",
        *_warnings(shown, device),
        *_table("What was asked", _asked(shown)),
        *_table("The answer", _answer(shown, device)),
        *_history(shown),
        *_list("What was checked", "yes", "✓", _checked(shown)),
        *_list("What was not checked", "no", "–", _unchecked(shown)),
        *(_table("By way of", _way(shown)) if shown.hops else ()),
        *_table("Under which keys", _keys(shown)),
        *_table("How old", _age(shown)),
        *_footer(shown),
        f"{OPENING}{data}{CLOSING}",
        "</body></html>\n",
    ]
    return "\n".join(lines).encode()


def _warnings(shown: Shown, device: Mapping[str, Any]) -> Iterator[str]:
    if shown.verified.as_of is not None:
        yield _warning(f"This is how it was at {shown.verified.as_of}, and not how it is now.")
    if "reason" in device and shown.verified.status != "active":
        yield _warning(f"Reason: {device['reason']}")
    if "recovering" in device:
        ready = device["recovering"]["ready"]
        yield _warning(f"A recovery is under way: other keys can come into force from {ready} on.")
    if "offer" in device:
        offer = device["offer"]
        yield _warning(f"It is on offer to {offer['to']} until {offer['notAfter']}.")


def _warning(said: str) -> str:
    return f'<p class="warn"><bdi>{text(said)}</bdi></p>'


def _asked(shown: Shown) -> Iterator[tuple[str, str]]:
    if shown.asked:
        yield "Asked", shown.asked
    else:
        yield "Asked", "a private code or a number, which this page does not repeat"
    if shown.key is not None and shown.key[0] == "code" and shown.asked:
        yield "Read as", f"{shown.key[1]}: {shown.key[2]}"
    yield "As of", shown.verified.as_of or "the newest there was"


def _answer(shown: Shown, device: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    about, code, number, data = (device[name] for name in ("object", "code", "number", "data"))
    yield "Status", str(device["status"])
    yield "Device", str(device["did"])
    yield "Code", f"{code['scheme']}: {code.get('value', 'private, committed to')}"
    yield "Maker", about["maker"]
    if name := _maker_name(shown):
        yield "Maker's name", name
    yield "Model", about["model"]
    if device["controller"] != about["maker"]:
        yield "Controller", str(device["controller"])
    if "sector" in about:
        yield "Sector", " / ".join(str(one) for one in about["sector"].values())
    shown_number = "none" if number == "none" else f"one of {number['scheme']}, committed to"
    yield "Number", shown_number
    if data == "none":
        yield "Data", "none"
    else:
        yield "Data", f"{data['describes']} (grade {data['grade']}, version {data['version']})"
        for endpoint in data["endpoints"]:
            yield f"Served by {endpoint['type']}", endpoint["url"]
    for label, stamp in (("Registered", "registered"), ("Last change", "updated")):
        yield label, f"{device[stamp]['time']}, entry {device[stamp]['entry']}"


def _history(shown: Shown) -> Iterator[str]:
    proof = cast("Mapping[str, Any]", shown.answer["proof"])
    if "entries" not in proof:
        return
    yield "<h2>All that ever changed it</h2>"
    yield "<table><thead><tr><th>Entry</th><th>Time</th><th>Operation</th></tr></thead><tbody>"
    for entry in proof["entries"]:
        cells = (entry["index"], entry["time"], entry["operation"]["type"])
        yield f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table>"


def _checked(shown: Shown) -> Iterator[str]:
    verified = shown.verified
    tree, root = verified.checkpoint.checkpoint, verified.state.root
    yield f"The ledger's genesis is signed by its authority, and hashes to {shown.trust.ledger}."
    if shown.trust.updates:
        yield "Each set of the log's keys was handed on by the one before and the authority."
    yield f"The log has signed the checkpoint over {tree.size} entries."
    yield f"The state of entry {root.index} ends that tree: nothing newer stands in it."
    if verified.as_of is None:
        yield "The device's record is the one below that state, byte for byte."
    else:
        yield f"The record follows from all entries of the device until {verified.as_of}."
    if shown.hops:
        yield "Each ledger on the way refers to the next by a grant that was in force then."
    if shown.key is not None and shown.key[0] == "code":
        yield "The code that was asked for leads to this device and to no other."
    if verified.signers:
        yield "All operations of the device are shown, in order, and add up to its record."
        yield f"Every signature on them holds; it was registered by {', '.join(verified.signers)}."
    if verified.enrolled is not None:
        enrolled = verified.enrolled
        yield f"It enrolled itself under the grant {enrolled.grant}, as serial {enrolled.serial}."
    if shown.age.by == "witnesses":
        yield "The witnesses that this page names have cosigned the checkpoint, and date it."


def _unchecked(shown: Shown) -> Iterator[str]:
    verified = shown.verified
    yield "What happened after the checkpoint. Ask again, and mind the age below."
    if shown.asserted:
        yield f"{shown.asserted}."
    if shown.key is None:
        yield "That the private code or number belongs to this device: that is the registry's word."
    if not verified.signers:
        yield "The signatures, and the past, of a device that has changed too often to show them."
    if verified.enrolled is not None:
        yield "No organization signed the registration; whether its grant was in force: an audit."
    if shown.age.by == "witnesses":
        yield "Who these witnesses are: whoever made this page chose them. Compare their keys."
    else:
        yield "Witnesses: none asked for. That others are shown the same is the registry's word."
    yield "That each signer had the right to sign (prefix, maker's name): an audit repeats it."
    yield "That the state follows from the entries of the ledger: an audit or a monitor repeats it."
    yield "That the thing before you is this device: codes can be copied. Challenge its key."
    yield "The time at which this page was made: that is by the clock of whoever made it."


def _way(shown: Shown) -> Iterator[tuple[str, str]]:
    """From the root to whoever answers, and what carried each step."""
    for hop in shown.hops:
        said = f"ledger {hop.trust.ledger}, {hop.age}"
        if hop.referral is not None:
            prefix, until = hop.referral.prefix, hop.referral.until
            said += (
                f"; {prefix.scheme}:{prefix.prefix} is the next one's by grant {hop.referral.grant}"
            )
            said += f", until {until}" if until else ""
        yield hop.trust.origin, said


def _keys(shown: Shown) -> Iterator[tuple[str, str]]:
    trust, tree = shown.trust, shown.verified.checkpoint.checkpoint
    yield "Ledger", trust.ledger
    yield "Its authority", f"{trust.name}, {trust.authority}"
    yield "Log", tree.origin
    for key in trust.pinned.log_keys_at(tree.size):
        yield "Key of the log", f"{key.name}+{key.id.hex()}"
    yield "Checkpoint", f"{tree.size} entries, root {encode64(tree.root)}"
    dated = {key for key, moment in shown.verified.checkpoint.times if moment}
    policy = trust.witnesses
    for witness in policy.witnesses if policy is not None else ():
        signed = "cosigned" if witness.key in dated else "has not cosigned"
        yield f"Witness {witness.name}", f"{witness.key.name}+{witness.key.id.hex()} {signed}"


def _age(shown: Shown) -> Iterator[tuple[str, str]]:
    yield "Made", shown.made
    yield (
        "Age when made",
        "unknown: nobody dates it"
        if shown.age.seconds is None
        else (f"{shown.age.seconds} seconds"),
    )
    if shown.age.by:
        own = "the log's own clock"
        yield "Dated by", "the witnesses named above" if shown.age.by == "witnesses" else own
    moments = [moment for _, moment in shown.verified.checkpoint.times if moment]
    if moments:
        yield "Newest date on the checkpoint", format_time(max(moments))
    yield "State at", str(shown.verified.state.root.time)


def _footer(shown: Shown) -> Iterator[str]:
    yield "<footer><p>Compare the ledger with what its operator publishes elsewhere. Then check"
    yield "this page, words and evidence, without asking anybody:</p>"
    yield f"<p><code>tetrad verify proof.html --ledger {text(shown.root.ledger)}</code></p>"
    yield "<p>The evidence lies within this file. A print of it, or a picture, proves nothing.</p>"
    yield "</footer>"


def _table(title: str, rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2>"
    yield "<table><tbody>"
    for label, value in rows:
        yield f"<tr><th>{text(label)}</th><td><bdi>{text(value)}</bdi></td></tr>"
    yield "</tbody></table>"


def _list(title: str, kind: str, mark: str, items: Iterator[str]) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2>"
    yield f'<ul class="{kind}">'
    for item in items:
        yield f"<li><b>{mark}</b><bdi>{text(item)}</bdi></li>"
    yield "</ul>"


def _maker_name(shown: Shown) -> str:
    """The name under which the maker was registered, where the evidence shows and proves it."""
    if not shown.verified.signers:
        return ""
    maker = cast("str", shown.verified.device["object"]["maker"])
    proof = cast("Mapping[str, Any]", shown.answer["proof"])
    for operation in proof.get("signers", ()):
        if operation["type"] == "organization.register" and maker.endswith(
            ":" + operation_hash(operation)
        ):
            return cast("str", operation["body"]["name"])
    return ""
