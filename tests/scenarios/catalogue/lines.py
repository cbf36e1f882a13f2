"""L: lines that are split, joined, dropped, or take others with them."""

from typing import Final

from tests.scenarios.catalogue.scenario import Scenario, Scenarios, of

_FRAMING = of("tests/unit/puller/test_framing.py")
_DOCUMENTS = of("tests/unit/normaliser/test_documents.py")
_NORMALISER_PROPERTIES = of("tests/properties/test_normaliser.py")
_FAILING = of("tests/unit/normaliser/test_failing.py")

LINES: Final[Scenarios] = {
    "L1": Scenario(
        holds="A byte order mark is taken from the start of an object; before any other line, as"
        " at the start of a later member, it stays in raw and is no part of the record.",
        tests=(
            *_FRAMING("test_mark_is_taken_from_the_start_of_the_object_only"),
            *_DOCUMENTS("test_documents_on_one_line_are_split"),
        ),
    ),
    "L2": Scenario(
        holds="Lines end at LF alone, the CR before it is taken off, the last line needs none, and"
        " blank lines are counted.",
        tests=(
            *_FRAMING(
                "test_line_ends_at_line_feed_alone",
                "test_blank_line_is_numbered_and_counted_but_not_given_out",
                "test_blank_last_line_without_line_feed_is_counted",
            ),
            *of("tests/unit/puller/test_reading.py")("test_object_of_blank_lines_is_not_empty"),
            *of("tests/properties/test_framing.py")(
                "test_framing_does_not_depend_on_how_the_content_is_cut"
            ),
        ),
    ),
    "L3": Scenario(
        holds="What Python or Unicode call the end of a line, and JSON does not, splits nothing.",
        tests=_FRAMING("test_line_ends_at_line_feed_alone"),
    ),
    "L4": Scenario(
        holds="Bytes that are no text reach raw untouched, and become a dead letter with their"
        " bytes, or a record where only an escape is half.",
        tests=(
            *_FRAMING("test_line_ends_at_line_feed_alone"),
            *_DOCUMENTS(
                "test_bytes_that_are_no_json_are_undecodable",
                "test_half_a_surrogate_pair_stays_as_written",
                "test_nul_as_an_escape_is_a_character",
            ),
            *of("tests/unit/normaliser/test_normalise.py")(
                "test_a_dead_letter_tells_where_from_and_why"
            ),
        ),
    ),
    "L5": Scenario(
        holds="One bad line among many costs one dead letter, and no other line.",
        tests=(
            *of("tests/scenarios/test_reading_on.py")(
                "test_one_bad_line_among_many_costs_one_dead_letter"
            ),
            *of("tests/system/test_conservation.py")(
                "test_every_line_is_accounted_for_at_every_hop"
            ),
        ),
    ),
    "L6": Scenario(
        holds="Numbers beyond any type, duplicate keys, any depth, trailing commas and what is no"
        " object at the top are a record or a dead letter, and never an exception.",
        tests=(
            *_DOCUMENTS(
                "test_fractions_keep_their_text",
                "test_integers_beyond_64_bits_are_integers",
                "test_the_last_of_duplicate_keys_wins",
                "test_depth_beyond_the_limit_is_too_large",
                "test_depth_without_an_end_is_too_large",
                "test_bytes_that_are_no_json_are_undecodable",
                "test_json_that_is_no_object_violates_the_schema",
            ),
            *_NORMALISER_PROPERTIES(
                "test_any_bytes_become_something", "test_any_json_becomes_something"
            ),
        ),
    ),
    "L7": Scenario(
        holds="Of an object of another format a thousand failures are told one by one and the"
        " others by range, so it is no flood; good lines in it still pass.",
        tests=(
            *of("tests/system/test_refusals.py")(
                "test_long_lines_and_lines_of_no_known_format_are_accounted_for"
            ),
            *_FAILING(
                "test_failures_beyond_a_number_are_told_together",
                "test_every_failed_line_is_counted_once",
            ),
            *of("tests/unit/puller/test_ranges.py")(
                "test_failures_beyond_a_number_are_told_by_range"
            ),
        ),
    ),
}
