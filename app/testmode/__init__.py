"""Test registries beside the live one: the same program, for each organizer on a database of its own, under `/uji`.

The live registry knows nothing of them. They are told apart by what they are made of: another database, other keys,
another issuer, a clock that can be moved (`app.clock.Clock`) and a trial of NIKs (`app.registry.values.trial`).
"""
