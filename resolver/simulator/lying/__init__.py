"""A registry that lies: the real service over a ledger that its own operator has falsified.

    played = play(lie, World.build(now), folder)
    played.caught                         # by watcher, the code with which it refused, or "–"

The operator holds the log's keys, signs what it likes and rewrites its database. Lies stand in
`lies`, with who catches each; those who must catch them are the real ones (`watching`). The table
of both stands in specs/5-misbehaviour.md, and tests play it.
"""
