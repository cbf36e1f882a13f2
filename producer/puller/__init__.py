"""The puller: reads object versions line by line and publishes the lines as raw records.

Its core (`limits`, `decompression`, `framing`, `reading`) turns an iterator of bytes into chunks
of lines and is pure: the same bytes give the same lines, however they were cut on the way, and no
module of it does I/O or tells the time. `pulling`, `progress` and `stage` join it to S3 and Kafka.
"""
