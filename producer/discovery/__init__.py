"""Discovery: no object is missed, however its key sorts.

Takes the sources of the partitions of `sources` that this process owns, and what their buckets
list. Gives `objects`, one message for each version and attempt, and `source-status`. Promises that
each listed version that the ledger does not hold is published once, and that nobody else publishes
for the same sources: owning the partition is the lease, and the partition's offset travels in each
of its transactions.
"""
