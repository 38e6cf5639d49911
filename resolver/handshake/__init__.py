"""Two devices authenticate each other in three messages, with no server at hand.

    one = Initiator(Own(wallet, did, bundle), terms, random)
    message = one.first(now)                 # send it
    reply = one.receive(answered, now)       # send this too; `one.peer` tells who answered

    other = Responder(Own(wallet, did, bundle), terms, random)
    answer = other.receive(message, now)     # send it
    other.receive(reply, now)                # b"": nothing more; `other.peer` tells who began

Each shows the bundle of its newest answer, and signs both identities, both nonces and the hashes of
both bundles, under a role of its own. Does no I/O: any transport carries the messages. Specified in
specs/1-identity.md, "Device to device".
"""

from resolver.handshake.machines import Initiator, Own, Responder
from resolver.handshake.peers import Authenticated, Terms
from resolver.handshake.transcript import PROTOCOL, Channel, Side, Transcript

__all__ = [
    "PROTOCOL",
    "Authenticated",
    "Channel",
    "Initiator",
    "Own",
    "Responder",
    "Side",
    "Terms",
    "Transcript",
]
