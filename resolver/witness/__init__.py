"""A witness as a service: C2SP tlog-witness over a store of its own.

`folder` keeps its keys, `store` what it cosigned last, `cosigning` decides and signs, `app` answers
over HTTP. What a witness may sign stands in registry/witness.py.
"""
