"""Fault injection: every syscall of a registration run fails once, and is the last one once.

    python -m tests.faults                  # every fault that there is; a table at the end
    python -m tests.faults --stride 9       # every ninth of each group: what `make test-all` runs

A run is told (story.py) under strace to list its syscalls (tracing.py). Then it is told again for
each of them, with an error in its place, killed at its entry, and with its effect lost in a power
cut (campaign.py). After each the folder is opened again and compared with everything that was
handed out (examination.py). Nothing that was acknowledged may be lost or stand there twice, and
nothing may have been shown that the log did not commit to.
"""
