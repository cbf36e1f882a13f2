"""The command line: parses, asks one thing of a room, prints, and chooses the exit code.

Takes arguments and settings. Gives a command's output on stdout, everything else on stderr.
Promises that a person's mistake gets a sentence and no traceback, and one of three exit codes: 0
is done, 1 is stopped by a fatal error, 2 is wrong usage or settings, when nothing was started.
"""
