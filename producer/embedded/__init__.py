"""The outside systems on this machine: a real Kafka, a real schema registry and an S3 stand-in.

- takes: a directory to work in, and addresses where the caller has systems of their own
- gives: addresses (`producer.embedded.parts`)
- promises: each part answers when its address is given; nothing that was started here outlives
  the process that asked for it, however that process ends

The demonstration and the tests stand on it; the pipeline's own processes never import it.
"""
