"""R: bytes that are lost, doubled or joined wrongly on their way out of a bucket."""

from typing import Final

from tests.scenarios.catalogue.scenario import Scenario, Scenarios, of

_READING = of("tests/scenarios/test_reading_on.py")
_KINDS = of("tests/scenarios/test_kinds_of_objects.py")
_DECOMPRESSION = of("tests/unit/puller/test_decompression.py")
_CHUNKS = of("tests/unit/puller/test_reading.py")
_FRAMING = of("tests/unit/puller/test_framing.py")
_PULLING = of("tests/unit/puller/test_pulling.py")
_READING_FAULTS = of("tests/contracts/test_reading_faults.py")
_ACCESS_FAULTS = of("tests/contracts/test_access_faults.py")
_ON_THE_WIRE = of("tests/contracts/test_s3_on_the_wire.py")
_LISTING_ON_THE_WIRE = of("tests/contracts/test_s3_listing_on_the_wire.py")
_PACE = of("tests/unit/s3/test_pace.py")
_LONG_LINES = of("tests/system/test_refusals.py")(
    "test_long_lines_and_lines_of_no_known_format_are_accounted_for"
)

READING: Final[Scenarios] = {
    "R1": Scenario(
        holds="Of a gzip stream that breaks off, wherever, whole lines reach raw once, and the"
        " object is quarantined as truncated.",
        tests=(
            *_READING("test_truncated_object_keeps_its_whole_lines_until_it_is_uploaded_again"),
            *_DECOMPRESSION("test_truncation_at_every_byte_is_told"),
            *_CHUNKS("test_truncated_object_keeps_its_complete_lines"),
            *of("tests/system/test_objects.py")("test_retry_puts_no_line_into_raw_twice"),
        ),
        not_applicable="It is not tried again by itself: the same version has the same bytes. A"
        " new upload is a new version, and a person may ask for another attempt.",
    ),
    "R2": Scenario(
        holds="All members of a gzip object are read, ten thousand, empty ones, and wherever their"
        " borders fall.",
        tests=(
            *_DECOMPRESSION(
                "test_members_are_all_read_wherever_the_object_is_cut",
                "test_ten_thousand_members_are_read_as_one_object",
            ),
            *of("tests/properties/test_framing.py")(
                "test_reading_does_not_depend_on_members_or_pieces_and_resumes_anywhere"
            ),
        ),
    ),
    "R3": Scenario(
        holds="Zero bytes behind a member are padding; all else is told after the good lines.",
        tests=(
            *_DECOMPRESSION(
                "test_zero_bytes_behind_a_member_are_padding",
                "test_garbage_behind_the_last_member_is_told_after_the_content",
            ),
            *_CHUNKS("test_garbage_behind_the_content_is_told_after_the_good_lines"),
        ),
    ),
    "R4": Scenario(
        holds="A wrong check sum or size quarantines the object, whose outcome counts the lines"
        " that were published before it was known.",
        tests=(
            *_DECOMPRESSION("test_wrong_check_sum_or_size_is_told_after_the_content"),
            *_PULLING("test_object_that_breaks_keeps_its_good_lines"),
        ),
    ),
    "R5": Scenario(
        holds="The content decides what is decompressed, and once: neither name nor header does;"
        " what was compressed twice is accounted for as lines that are no records.",
        tests=(
            *_READING(
                "test_content_decides_what_is_decompressed",
                "test_object_that_is_compressed_twice_is_accounted_for",
            ),
            *_ON_THE_WIRE("test_content_encoding_is_not_decoded_on_the_way"),
        ),
    ),
    "R6": Scenario(
        holds="A bomb is cut off by its ratio or its size, in bounded memory.",
        tests=(
            *_DECOMPRESSION(
                "test_bomb_is_cut_off_in_bounded_memory",
                "test_limit_on_decompressed_bytes_cuts_exactly",
            ),
            *_CHUNKS("test_object_beyond_a_limit_is_quarantined_with_its_good_lines"),
            *_READING("test_bomb_is_stopped_and_the_next_object_is_read"),
        ),
    ),
    "R7": Scenario(
        holds="A line without an end costs no more memory than the limit, becomes a dead letter"
        " with its beginning, and the next line is read.",
        tests=_FRAMING("test_line_of_128_mib_costs_no_more_memory_than_the_limit"),
        measured_by="tests/benchmarks/reading.py",
    ),
    "R8": Scenario(
        holds="Of lines about the limit those within it are published at every hop, also as dead"
        " letters, and those beyond it take nothing with them.",
        tests=(
            *_LONG_LINES,
            *_READING("test_line_about_as_long_as_may_be_takes_nothing_with_it"),
            *_FRAMING("test_line_at_the_limit_passes_and_one_beyond_is_sampled"),
            *of("tests/integration/test_transactions.py")(
                "test_message_that_the_broker_refuses_stops_the_process"
            ),
        ),
    ),
    "R9": Scenario(
        holds="An object of any size is read in the memory of some chunks, and gone on with"
        " from the place that was committed.",
        tests=(
            *_PULLING("test_reading_stops_while_nothing_is_taken"),
            *_DECOMPRESSION("test_blocks_are_bounded_for_plain_and_compressed_content"),
            *_READING_FAULTS("test_body_that_gets_on_between_breaks_is_read_to_its_end"),
            *_CHUNKS("test_read_resumes_behind_every_place_with_the_totals_of_the_whole"),
        ),
        measured_by="tests/benchmarks/reading.py",
    ),
    "R10": Scenario(
        holds="A body that is cut, reset, stalled or short is gone on with where it broke, under"
        " the same etag; what cannot be is read again later, and no line comes twice.",
        tests=(
            *_READING_FAULTS(
                "test_body_that_breaks_is_continued_where_it_broke",
                "test_body_whose_connection_is_reset_is_continued",
                "test_body_that_stalls_is_asked_for_again_where_it_stands",
                "test_body_that_is_short_for_good_never_looks_whole",
            ),
            *_READING("test_outage_passes_without_a_line_lost_or_doubled"),
        ),
    ),
    "R11": Scenario(
        holds="Two versions are never joined: an object that changes while it is read, or between"
        " a death and the successor, ends as superseded, and the new version is read whole.",
        tests=(
            *_READING(
                "test_object_that_is_overwritten_amid_its_bytes_is_two_versions",
                "test_object_that_is_overwritten_between_death_and_successor_is_two_versions",
            ),
            *_READING_FAULTS("test_what_happens_to_an_object_after_it_was_listed_is_named"),
            *_PULLING("test_object_that_was_overwritten_is_not_joined"),
        ),
    ),
    "R12": Scenario(
        holds="An object that is deleted before it is read, or between two ranges, is noted as"
        " vanished; the mark moves over it and others are read.",
        tests=(
            *_KINDS("test_object_that_goes_between_listing_and_read_is_noted"),
            *_READING_FAULTS("test_what_happens_to_an_object_after_it_was_listed_is_named"),
            *_CHUNKS("test_refusal_in_the_middle_ends_the_object_with_its_reason"),
        ),
    ),
    "R13": Scenario(
        holds="One object that is denied, by S3 or by KMS, is parked under its reason and tried"
        " less and less often, while the source goes on, and its status names the reason.",
        tests=(
            *_READING("test_denied_object_is_parked_while_the_others_are_read"),
            *_ACCESS_FAULTS("test_denial_of_kms_is_told_from_one_of_s3"),
            *of("tests/unit/discovery/test_retrying.py")("test_delay_doubles_up_to_the_longest"),
        ),
    ),
    "R14": Scenario(
        holds="Credentials that end, also amid an object, are renewed and it is gone on with at"
        " its byte; an outage of STS and a role that is made again pass by.",
        tests=_ACCESS_FAULTS(
            "test_credentials_are_renewed_before_they_expire",
            "test_credentials_are_renewed_in_the_middle_of_an_object",
            "test_credentials_that_s3_does_not_take_any_more_are_replaced",
            "test_outage_of_sts_passes_by_and_is_not_blamed_on_the_role",
            "test_outage_of_sts_while_credentials_are_still_good_is_not_noticed",
        ),
    ),
    "R15": Scenario(
        holds="Throttling slows down its own source alone, more and more; failures, also within a"
        " good answer, are failures and pass.",
        tests=(
            *_ACCESS_FAULTS(
                "test_throttled_source_is_slowed_down_and_no_other",
                "test_burst_of_slow_down_passes",
            ),
            *_LISTING_ON_THE_WIRE("test_error_inside_a_good_answer_is_an_error"),
            *_PACE("test_delay_doubles_until_a_request_would_wait_for_long"),
            *_READING("test_outage_passes_without_a_line_lost_or_doubled"),
        ),
    ),
    "R16": Scenario(
        holds="A bucket of another region is followed there, and a region that is none is named.",
        tests=_ACCESS_FAULTS(
            "test_bucket_of_another_region_is_followed_there",
            "test_bucket_that_moved_to_another_region_is_followed_there",
            "test_region_that_is_none_is_refused_before_anything_is_asked",
        ),
    ),
    "R17": Scenario(
        holds="Objects under a customer's own key are named, a bucket whose requester pays is"
        " read, the ARN of an access point is refused where a source is applied, and a path-style"
        " endpoint works: that of every contract test is one.",
        tests=(
            *_ACCESS_FAULTS(
                "test_object_under_a_key_of_the_customers_own_is_named",
                "test_bucket_whose_requester_pays_is_read",
                "test_bucket_that_can_be_none_is_refused_before_anything_is_asked",
            ),
            *of("tests/unit/cli/test_sources_file.py")("test_read_sources_refuses_what_is_wrong"),
            *_ON_THE_WIRE("test_key_is_asked_for_exactly"),
        ),
        not_applicable="The alias of an access point is the name of a bucket to S3 and to this"
        " program, so there is nothing of its own to test.",
    ),
}
