"""The language shared by the stages: frozen models and names, no I/O, no clock.

Times are `int` microseconds since the epoch, UTC (fields end in `_at`). The fields of each model
are those of the Avro schema of the same name in `schemas/`; a test holds the two together.
"""
