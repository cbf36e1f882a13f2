"""The nearest right spelling of a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Find the known name that is most like this one; none if nothing is as much like it.

    Case, and the choice between `_`, `__` and `-`, are not held against a name.
    """
    by_form = {_form(candidate): candidate for candidate in sorted(known)}
    found = get_close_matches(_form(name), by_form, n=1, cutoff=likeness)
    return by_form[found[0]] if found else None


def _form(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
