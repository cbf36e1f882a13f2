"""The command `demo`: the whole stage on this machine, started, watched, accounted for, stopped.

It makes no step of the pipeline itself: `pull` and `normalise` run as the processes that they are
in production, and what they did is counted from the topics, not taken from what they say.
"""
