"""The GS1-Conformant Resolver: from a Digital Link URI to where it leads. Pure.

`compression` reads compressed URIs, `requests` reads paths and queries, `linksets` says what there
is, `choosing` picks from it, `pages` shows it to people. Over HTTP it is resolver/api/gs1.py.
Specified in specs/3-resolution.md, "GS1".
"""
