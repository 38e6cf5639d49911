"""`python -m tests.faults`: all faults, or every so manyth, and the table."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign import Campaign


def main(*arguments: str) -> int:
    """Prints the table and what was found; 1 where something was."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--stride", type=int, default=1, help="every so manyth of each group")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--only", default="", help="a pattern of the places to strike")
    given = parser.parse_args(arguments or None)
    base = Path(tempfile.mkdtemp(prefix="tetrad-faults-"))
    campaign = Campaign(base)
    campaign.list_faults()
    campaign.faults = [one for one in campaign.faults if re.search(given.only, one.title)]
    campaign.run(given.stride, given.workers)
    for run in campaign.bad:
        print(f"{run.fault.title} {run.fault.kind}: {run.outcome}, fired={run.fired}")
        for line in [*(f"{one.kind}: {one.text}" for one in run.findings), *run.words.splitlines()]:
            print(f"    {line}")
    print(campaign.table())
    if campaign.failed:
        print(f"What was found lies in {base}")
        return 1
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
