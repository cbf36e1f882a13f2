"""C: what is lost where people replay, sources change, and something else is full or broken."""

from typing import Final

from tests.scenarios.catalogue.scenario import Scenario, Scenarios, of

_CHANGING = of("tests/scenarios/test_changing_sources.py")
_STAGE = of("tests/unit/discovery/test_stage.py")
_REPLAYS = of("tests/unit/discovery/test_replays.py")
_ACCESS_FAULTS = of("tests/contracts/test_access_faults.py")
_ACCESS = of("tests/system/test_access.py")(
    "test_wrong_external_id_is_named_touches_nobody_else_and_can_be_mended"
)

OPERATING: Final[Scenarios] = {
    "C7": Scenario(
        holds="Offsets that are reset repeat the same events, and a replay of some keys repeats"
        " those under its id, while what is new flows beside it and no position moves.",
        tests=(
            *of("tests/system/test_duplicates.py")(
                "test_normalise_after_an_offset_reset_emits_the_same_bytes"
            ),
            *of("tests/system/test_objects.py")(
                "test_replay_repeats_what_is_known_beside_what_is_new"
            ),
            *_REPLAYS(
                "test_replay_pulls_known_versions_once_more",
                "test_new_objects_do_not_wait_for_the_end_of_a_replay",
            ),
        ),
    ),
    "C8": Scenario(
        holds="Where a dead letter cannot be published the process stops and says which topic it"
        " was; nothing is skipped. What is too large for a dead letter is there as a sample.",
        tests=(
            *of("tests/system/test_refusals.py")(
                "test_dead_letters_that_cannot_be_published_stop_the_process",
                "test_long_lines_and_lines_of_no_known_format_are_accounted_for",
            ),
            *of("tests/unit/kafka/test_transactions.py")(
                "test_error_that_lasts_stops_the_process"
            ),
        ),
    ),
    "C9": Scenario(
        holds="A backlog of one source holds up no other: its unfinished objects are bounded, its"
        " listing takes no place, and a transaction takes a chunk of each partition.",
        tests=(
            *_STAGE("test_unfinished_objects_of_a_source_are_bounded"),
            *of("tests/unit/discovery/test_listing.py")(
                "test_listing_that_the_loop_does_not_follow_takes_no_place_from_others"
            ),
            *of("tests/unit/puller/test_stage.py")(
                "test_transaction_takes_about_a_chunk_of_each_partition"
            ),
            *_ACCESS,
        ),
        measured_by="tests/benchmarks/fairness.py",
    ),
    "C10": Scenario(
        holds="State grows with the objects and not with polls: two messages an object in topics"
        " that compact, and in memory less than 64 bytes.",
        tests=(
            *of("tests/scenarios/test_finding.py")(
                "test_state_grows_with_objects_and_not_with_polls"
            ),
            *_STAGE("test_statuses_that_only_count_are_told_once_a_second"),
            *of("tests/unit/discovery/test_fingerprints.py")(
                "test_map_keeps_every_key_while_it_grows"
            ),
        ),
    ),
    "C11": Scenario(
        holds="A source that is disabled, enabled, removed or made again goes on where it was,"
        " another id begins anew, and a rotated external id is used at once.",
        tests=(
            *_CHANGING(
                "test_disabled_source_goes_on_where_it_was",
                "test_source_made_again_under_its_id_goes_on_and_another_id_begins_anew",
                "test_external_id_that_is_rotated_is_a_problem_of_its_source_alone",
            ),
            *_STAGE(
                "test_source_created_again_goes_on_where_it_was",
                "test_disabled_source_publishes_nothing_more",
            ),
            *of("tests/system/test_sources.py")(
                "test_sources_are_watched_tried_removed_and_taken_up_again"
            ),
            *_ACCESS_FAULTS("test_external_id_that_was_rotated_is_used_at_once"),
        ),
    ),
    "C12": Scenario(
        holds="The external id is in the request to STS; where it is wrong or missing the problem"
        " is named, is its source's own, and is gone once it is mended.",
        tests=(
            *_ACCESS,
            *_ACCESS_FAULTS(
                "test_role_is_assumed_with_the_external_id_and_a_session_named_after_the_source",
                "test_wrong_or_missing_external_id_is_refused_and_touches_no_other_source",
            ),
        ),
    ),
}
