"""The normaliser: raw records in, governance events and dead letters out.

Takes a `RawLine`, gives events and what could not become one, the same for the same bytes. Any
bytes become an event or a dead letter: never an exception, never silence. But for the stage, all
of it is pure: no clock, no I/O, no log.
"""
