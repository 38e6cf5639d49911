"""PyHandle, the client library of the Handle world, asks a service that it knows by its address.

One JSON value comes in on standard input, one goes out on standard output:

    handles.py {"url", "found", "absent"}   -> what each of its readings gives

The environment is one of its own (requirements.txt), so that nothing here imports Tetrad.
"""

import json
import sys

from pyhandle.client.resthandleclient import RESTHandleClient
from pyhandle.handleclient import PyHandleClient
from pyhandle.handleexceptions import HandleNotFoundException


def main() -> None:
    """Reads one question, answers it."""
    asked = json.load(sys.stdin)
    client = PyHandleClient("rest").instantiate_for_read_access(handle_server_url=asked["url"])
    rest = RESTHandleClient(handle_server_url=asked["url"])
    found, absent = asked["found"], asked["absent"]
    try:
        client.get_value_from_handle(absent, "URL")
        refused = ""
    except HandleNotFoundException as error:
        refused = type(error).__name__
    answers = {
        "json": client.retrieve_handle_record_json(found),
        "record": client.retrieve_handle_record(found),
        "url": client.get_value_from_handle(found, "URL"),
        "status": client.get_value_from_handle(found, "TETRAD.STATUS"),
        "nothing": client.get_value_from_handle(found, "EMAIL"),
        "rest": rest.retrieve_handle_record(found),
        "absent": client.retrieve_handle_record_json(absent),
        "refused": refused,
    }
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
