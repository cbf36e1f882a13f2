"""Deduplicator: one governance event for each OpenAI event.

Takes the topic `normalised`, keyed by event id. Gives `governance-events`, the same partition.
Promises that the first origin seen for an id owns it, that the owner's event passes again when
offsets are reset or under an explicit replay, and that everything else is suppressed and counted.

The ids are remembered in a store on local disk, which is only a cache of `governance-events`
itself: written after the commit, never before; bound to the cluster and the topic; rebuilt where
missing, old or ahead.
"""
