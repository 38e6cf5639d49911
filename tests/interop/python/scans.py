"""What biip, a library that shares no line with ours, reads out of what a scanner sends.

A list of texts comes in on standard input as JSON; for each, one object goes out:

    {"elements": [["01", "09506000134352"], …] or null, "gtin": 14 digits or null,
     "hri": "(01)09506000134352(21)M-0017" or null}

A text that begins with a bracket is taken as what people read under a symbol. `gtin` is null where
biip finds fault with it; a text of which it makes nothing has null everywhere.
"""

import json
import sys
from typing import Any

import biip
from biip.gs1_messages import GS1Message


def read(text: str) -> dict[str, Any]:
    try:
        if text.startswith("("):
            message, gtin = GS1Message.parse_hri(text), None
        else:
            found = biip.parse(text)
            message, gtin = found.gs1_message, found.gtin
            if found.gs1_digital_link_uri is not None:
                elements = found.gs1_digital_link_uri.element_strings
                told = [[one.ai.ai, one.value] for one in elements]
                return {"elements": told, "gtin": gtin and gtin.as_gtin_14(), "hri": None}
    except biip.ParseError:
        return {"elements": None, "gtin": None, "hri": None}
    if message is None:
        return {"elements": None, "gtin": gtin and gtin.as_gtin_14(), "hri": None}
    for one in message.element_strings:
        gtin = gtin or one.gtin
    return {
        "elements": [[one.ai.ai, one.value] for one in message.element_strings],
        "gtin": gtin and gtin.as_gtin_14(),
        "hri": message.as_hri(),
    }


json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
