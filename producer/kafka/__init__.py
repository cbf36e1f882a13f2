"""The door to Kafka, and the only importer of `confluent_kafka`.

Takes settings, stages and a clock. Gives the transactional loop, tables that are read back from
topics, and what `topics apply` does. Promises that what a stage contributes to one transaction
becomes visible to `read_committed` readers together with the offsets that it stands for, or not at
all.
"""
