"""Where the rooms are put together: settings become clients, codecs, tables and stages.

Takes settings. Gives what the commands ask for (`producer.cli.rooms`). Nothing is decided here.
"""
