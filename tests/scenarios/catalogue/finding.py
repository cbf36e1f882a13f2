"""D: objects that are never found, or found and passed over."""

from typing import Final

from tests.scenarios.catalogue.scenario import Scenario, Scenarios, of

_FINDING = of("tests/scenarios/test_finding.py")
_KINDS = of("tests/scenarios/test_kinds_of_objects.py")
_CHANGING = of("tests/scenarios/test_changing_sources.py")
_POSITION = of("tests/unit/discovery/test_position.py")
_SOURCE = of("tests/unit/discovery/test_source.py")
_STAGE = of("tests/unit/discovery/test_stage.py")
_LEDGER = of("tests/unit/discovery/test_ledger.py")
_LISTING = of("tests/unit/discovery/test_listing.py")
_READING = of("tests/scenarios/test_reading_on.py")
_READING_FAULTS = of("tests/contracts/test_reading_faults.py")
_OBJECT_STORE = of("tests/contracts/test_object_store.py")
_ACCESS_FAULTS = of("tests/contracts/test_access_faults.py")
_PULLER_STAGE = of("tests/unit/puller/test_stage.py")
_LOOP = of("tests/integration/test_loop.py")
_OVERLAPS = of("tests/unit/cli/test_sources_overlaps.py")
_REFUSALS = of("tests/system/test_refusals.py")

FINDING: Final[Scenarios] = {
    "D1": Scenario(
        holds="A key that sorts below the mark and comes after it is ingested: at the next poll"
        " within the time of looking back, else by reconciling; either way it is counted as late.",
        tests=(
            *_FINDING(
                "test_keys_below_the_mark_are_ingested_at_the_next_poll",
                "test_keys_below_all_that_a_poll_looks_back_to_are_found_by_reconciling",
            ),
            *_POSITION("test_next_listing_begins_below_the_lowest_key_of_late"),
            *_SOURCE("test_object_below_what_a_listing_passed_is_late"),
            *of("tests/system/test_objects.py")(
                "test_replay_repeats_what_is_known_beside_what_is_new"
            ),
        ),
    ),
    "D2": Scenario(
        holds="The mark stays below a key that failed and will be tried again, whatever later key"
        " is finished; a restart changes nothing about it.",
        tests=(
            *_FINDING("test_failed_object_holds_the_mark_and_is_tried_again_after_a_restart"),
            *_POSITION("test_high_water_key_lies_below_all_that_waits"),
            *of("tests/properties/test_ledger.py")("TestLedger"),
        ),
    ),
    "D3": Scenario(
        holds="What a process that died was reading is read on by whoever gets its partition.",
        tests=(
            *of("tests/system/test_kills.py")(
                "test_pull_killed_inside_an_object_resumes_inside_it"
            ),
            *_READING("test_process_that_dies_amid_an_object_is_followed_by_one_that_goes_on"),
            *_PULLER_STAGE("test_successor_goes_on_inside_the_object"),
        ),
    ),
    "D4": Scenario(
        holds="A listing that fails on a later page has passed nothing, and goes on behind the"
        " last page that was whole.",
        tests=(
            *_FINDING("test_listing_that_failed_half_way_passes_nothing_and_is_gone_on_with"),
            *_POSITION("test_listing_that_broke_off_goes_on_behind_its_last_page"),
            *_SOURCE("test_listing_that_broke_off_goes_on_behind_what_was_taken"),
            *_READING_FAULTS("test_listing_that_breaks_off_is_gone_on_with_from_its_last_page"),
        ),
    ),
    "D5": Scenario(
        holds="Full last pages, one object more, and pages without anything to read neither end a"
        " listing early nor keep it from ending.",
        tests=(
            *_FINDING("test_keys_at_the_borders_of_pages_are_all_found"),
            *_KINDS("test_page_without_anything_to_read_holds_up_nothing"),
            *_OBJECT_STORE("test_listing_pages_at_a_thousand_objects"),
            *of("tests/contracts/test_s3_listing_on_the_wire.py")(
                "test_page_without_objects_does_not_end_a_listing",
                "test_listing_that_gives_no_position_is_refused",
            ),
        ),
    ),
    "D6": Scenario(
        holds="Objects uploaded while a listing is under way, behind its page or before it, are"
        " ingested by the next poll.",
        tests=(
            *_FINDING("test_objects_uploaded_during_a_listing_are_ingested_by_the_next_poll"),
            *_READING_FAULTS(
                "test_objects_that_come_during_a_listing_are_in_it_if_they_lie_ahead"
            ),
        ),
    ),
    "D7": Scenario(
        holds="Objects of one and the same second are all ingested, however polls split them.",
        tests=_FINDING("test_objects_of_one_second_are_ingested_however_polls_split_them"),
    ),
    "D8": Scenario(
        holds="An upload of several parts, whose time is hours or days before it appears, is"
        " ingested.",
        tests=_FINDING("test_upload_that_took_long_is_ingested_though_its_time_is_old"),
    ),
    "D9": Scenario(
        holds="Of several writers with names of their own under one prefix none is starved, also"
        " when a day ends.",
        tests=(
            *_FINDING("test_writers_with_names_of_their_own_starve_nobody"),
            *_POSITION("test_next_listing_begins_below_the_lowest_key_of_late"),
        ),
    ),
    "D10": Scenario(
        holds="Keys of any characters are listed, read and named in raw to the byte.",
        tests=(
            *_KINDS("test_odd_keys_are_those_of_raw_and_of_the_mark"),
            *_READING_FAULTS("test_keys_of_all_kinds_are_listed_and_read_exactly"),
            *_OBJECT_STORE("test_odd_keys_are_listed_and_read_exactly"),
            *of("tests/contracts/test_s3_listing_on_the_wire.py")(
                "test_keys_are_decoded_as_they_were_encoded"
            ),
            *of("tests/unit/puller/test_progress.py")("test_any_key_comes_back_as_it_was"),
        ),
    ),
    "D11": Scenario(
        holds="Keys compare by their UTF-8 bytes wherever a position is compared.",
        tests=(
            *_POSITION("test_keys_compare_by_their_bytes"),
            *_KINDS("test_odd_keys_are_those_of_raw_and_of_the_mark"),
        ),
    ),
    "D12": Scenario(
        holds="Directory markers, empty objects, `_SUCCESS` and a key that is the prefix itself"
        " have an outcome each, and the mark moves over them.",
        tests=_KINDS("test_what_is_no_log_has_an_outcome_and_holds_nothing_up"),
        not_applicable="They are not skipped: an object that is no log but holds lines is read,"
        " since its name cannot prove that it is none; what is no record is a dead letter.",
    ),
    "D13": Scenario(
        holds="Objects of a class that must be restored first are parked and read once restored;"
        " those of a class that can be read at once are.",
        tests=(
            *_KINDS("test_archived_objects_are_parked_and_read_once_restored"),
            *_READING_FAULTS("test_what_happens_to_an_object_after_it_was_listed_is_named"),
        ),
    ),
    "D14": Scenario(
        holds="Another bucket or prefix is listed from its beginning, and nothing of it is taken"
        " for late; what the ledger knows is pulled again only where a person asks for it, who"
        " is told so.",
        tests=(
            *_CHANGING(
                "test_prefix_that_is_changed_is_listed_from_its_beginning",
                "test_bucket_that_is_swapped_is_listed_from_its_beginning",
            ),
            *_SOURCE("test_late_object_is_late_whoever_looks_after_the_source"),
            *_STAGE("test_source_that_changes_while_it_is_listed_starts_anew"),
            *_LEDGER("test_version_that_failed_in_another_bucket_is_tried_where_it_is_listed"),
            *_OVERLAPS("test_source_that_moves_is_told_what_that_means"),
        ),
    ),
    "D15": Scenario(
        holds="Sources that share keys know nothing of each other, and removing one leaves the"
        " other as it is; that their objects count twice is said where they are applied.",
        tests=(
            *_CHANGING("test_sources_that_share_keys_know_nothing_of_each_other"),
            *_OVERLAPS("test_overlaps_warns_of_sources_that_read_the_same_objects"),
        ),
    ),
    "D16": Scenario(
        holds="A clock that is off, on either side, makes no object be missed, and where AWS"
        " refuses for it the problem is named.",
        tests=(
            *_FINDING(
                "test_clock_that_is_minutes_off_misses_nothing",
                "test_objects_of_the_future_hide_nothing",
            ),
            *_POSITION(
                "test_time_to_come_counts_as_now",
                "test_prefix_is_listed_whole_although_the_clock_was_set_back",
            ),
            *_SOURCE("test_source_is_listed_although_the_clock_was_set_back"),
            *_ACCESS_FAULTS("test_clock_that_is_off_is_named_by_whoever_notices"),
        ),
    ),
    "D17": Scenario(
        holds="Of a million objects the first are pulled before the listing ends, what is held is"
        " bounded, an object that was pulled costs less than 64 bytes, and stopping is quick.",
        tests=(
            *_FINDING("test_million_objects_flow_before_they_are_listed_and_stop_at_once"),
            *_LISTING("test_listing_reads_no_further_ahead_than_two_pages"),
            *of("tests/unit/discovery/test_fingerprints.py")(
                "test_map_keeps_every_key_while_it_grows"
            ),
            *of("tests/system/test_access.py")(
                "test_wrong_external_id_is_named_touches_nobody_else_and_can_be_mended"
            ),
        ),
    ),
    "D18": Scenario(
        holds="A bucket that was emptied and refilled with lower keys is ingested by reconciling"
        " at the latest, and its objects are told as late.",
        tests=(
            *_FINDING("test_bucket_that_is_emptied_and_refilled_with_lower_keys_is_ingested"),
            *_POSITION("test_bucket_that_was_emptied_stays_passed"),
        ),
    ),
    "D19": Scenario(
        holds="Of two processes that hold the same source to be theirs at most one commits.",
        tests=(
            *_LOOP(
                "test_zombie_commits_nothing",
                "test_stale_generation_is_aborted_and_done_again",
                "test_twins_of_one_slot_are_told_apart",
            ),
            *_STAGE(
                "test_listed_objects_are_published_under_the_lease",
                "test_page_that_comes_after_a_release_is_thrown_away",
            ),
            *of("tests/unit/kafka/test_transactions.py")(
                "test_offset_that_nobody_vouches_for_is_not_committed"
            ),
        ),
    ),
    "D20": Scenario(
        holds="A ledger, an offset or a place that cannot be read, or is a newer version's, stops"
        " the process; what is a cache alone is thrown away and rebuilt.",
        tests=(
            *_REFUSALS("test_state_that_cannot_be_read_stops_the_process"),
            *of("tests/unit/puller/test_progress.py")(
                "test_metadata_that_is_no_place_stops_the_process"
            ),
            *of("tests/unit/discovery/test_commands.py")(
                "test_metadata_of_another_program_stops_the_process"
            ),
            *_STAGE("test_table_that_cannot_be_read_stops_the_loop"),
            *of("tests/unit/kafka/test_member.py")("test_missing_offset_stops_the_process"),
            *of("tests/unit/deduplicator/test_store.py")(
                "test_store_that_cannot_be_read_is_thrown_away_and_explained"
            ),
        ),
    ),
    "D21": Scenario(
        holds="A directory bucket, which lists in no order, is refused where a source is applied,"
        " and again before anything is asked of it.",
        tests=(
            *of("tests/unit/cli/test_sources_file.py")("test_read_sources_refuses_what_is_wrong"),
            *_ACCESS_FAULTS("test_directory_bucket_is_refused_before_anything_is_asked"),
        ),
    ),
}
