"""A schema registry in memory, which passes the same contract as the real one."""

import json

from producer.errors import SchemaMismatchError


class InMemorySchemaRegistry:
    """Gives one id to one text, whatever the subject; or another for each subject, if told to."""

    def __init__(self, *, an_id_for_each_subject: bool = False) -> None:
        self._an_id_for_each_subject = an_id_for_each_subject
        self._levels: dict[str, str] = {}
        self._versions: dict[str, dict[str, int]] = {}
        self._texts: dict[int, str] = {}
        self.requests: list[str] = []

    def register(self, subject: str, schema_text: str) -> int:
        self.requests.append(f"register {subject}")
        versions = self._versions.setdefault(subject, {})
        if schema_text not in versions:
            if self._levels.get(subject) == "BACKWARD_TRANSITIVE":
                _refuse_what_cannot_read(subject, schema_text, versions)
            versions[schema_text] = self._id_of(schema_text)
        return versions[schema_text]

    def set_compatibility(self, subject: str, level: str) -> None:
        self.requests.append(f"set_compatibility {subject}")
        self._levels[subject] = level

    def compatibility(self, subject: str) -> str | None:
        return self._levels.get(subject)

    def find_id(self, subject: str, schema_text: str) -> int | None:
        self.requests.append(f"find_id {subject}")
        return self._versions.get(subject, {}).get(schema_text)

    def schema_by_id(self, schema_id: int) -> str:
        self.requests.append(f"schema_by_id {schema_id}")
        if schema_id not in self._texts:
            raise SchemaMismatchError(f"no schema of id {schema_id}")
        return self._texts[schema_id]

    def _id_of(self, schema_text: str) -> int:
        known = [number for number, text in self._texts.items() if text == schema_text]
        if known and not self._an_id_for_each_subject:
            return known[0]
        # Not from 1, so that an id is told from a count.
        schema_id = 100 + len(self._texts)
        self._texts[schema_id] = schema_text
        return schema_id


def _refuse_what_cannot_read(subject: str, schema_text: str, versions: dict[str, int]) -> None:
    """Refuse a field that an earlier version lacks and that has no default: enough for tests."""
    for earlier in versions:
        known = {field["name"] for field in json.loads(earlier)["fields"]}
        for field in json.loads(schema_text)["fields"]:
            if field["name"] not in known and "default" not in field:
                raise SchemaMismatchError(f"{subject!r} refuses the field {field['name']!r}")
