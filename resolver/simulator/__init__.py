"""A fleet of devices that exists nowhere but behaves as one: for load, for demonstrations, for war.

    summary = run_simulation("http://127.0.0.1:8000", devices=1_000, workers=8, seed=7)

That function stands in resolver/simulator/run.py. What a fleet is (its identifiers, keys, lives and
attacks) is pure and follows from a seed alone; sending it is the matter of a few edge modules.
The simulator speaks the protocol that everybody speaks and has no door of its own.
"""
