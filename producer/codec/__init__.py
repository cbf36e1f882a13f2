"""Schemas and the wire format: bytes of Kafka values to models and back.

Takes: models of `producer.contract`, and a registry that knows which id a schema has.
Gives: values in the registry's wire format (magic byte, 4-byte id, Avro body), and models again.
Promises: no registry is asked twice about the same id; a value that does not decode is a
`SchemaMismatchError` without a word of its content. Nothing else in the house imports fastavro.
"""
