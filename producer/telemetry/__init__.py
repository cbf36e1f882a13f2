"""Telemetry: what the program says about itself.

Takes names from `catalogue` alone: one that is not declared there does not type-check. Gives JSON
lines on stderr, and metrics for Prometheus. Promises that neither holds a record's content.
"""
