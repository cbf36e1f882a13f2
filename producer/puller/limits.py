"""How much of an object is read, held and handed on at once: every bound of the puller's core.

OpenAI caps an export at 15 MB and copiers concatenate days of them, so the bounds on whole objects
are there to stop what is no log at all (a disk image, a bomb), not to stop a large log.
"""

import msgspec

_KIB = 1024
_MIB = 1024 * _KIB
_GIB = 1024 * _MIB


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on lines, chunks and objects; sizes are bytes."""

    # The largest line whose raw record still fits the raw topic's maximum message size.
    line_bytes_max: int = 16 * _MIB
    # What of a longer line goes into its dead letter: enough to see what it is.
    sample_bytes: int = 64 * _KIB

    # A chunk is closed at the first block at or beyond one of these: about a second's worth, so
    # that a crash repeats little and a transaction stays far below its time-out. It exceeds them
    # by a block and one line at most.
    chunk_lines: int = 20_000
    chunk_bytes: int = 8 * _MIB
    chunk_seconds: float = 1.0
    # What is decompressed and split at once: small enough for the processor's cache, and the
    # bound on what a bomb can put into memory between two looks at the other limits.
    block_bytes: int = 64 * _KIB

    # An object holds up the others of its partition while it is read. At 100 MB/s these are about
    # 45 minutes of work: 25 times the largest object that the stage promises to read (10 GB).
    decompressed_bytes_max: int = 256 * _GIB
    compressed_bytes_max: int = 64 * _GIB
    # Deflate cannot do better than 1032 to 1. Logs come to 5 to 50, generated test lines to 200,
    # bombs to 1000. Nothing is judged before there is enough output for the ratio to mean
    # anything.
    ratio_max: int = 500
    ratio_judged_from_bytes: int = 64 * _MIB
