"""One module a family of records, and the table that finds the family of a record."""
