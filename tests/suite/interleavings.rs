//! The runtime on threads that a checker schedules: see `tests/interleaved`.

use greenroom_interleaved::{ends, queues, replies, restarts, rings};

macro_rules! scenarios {
    ($($module:ident: $($name:ident)*;)*) => {$($(
        #[test]
        fn $name() {
            $module::$name();
        }
    )*)*};
}

scenarios! {
    queues:
        what_is_pushed_arrives_once_and_in_order
        what_makes_room_is_dropped_once
        what_a_receive_skips_is_there_for_the_next
        who_stands_in_line_gets_in_or_withdraws
        a_full_mailbox_lets_in_what_its_owner_waits_for
        at_an_owners_end_each_message_is_taken_left_or_refused;
    ends:
        everyone_hears_of_an_end_once_and_for_one_reason
        an_exit_signal_always_wakes
        after_demonitor_no_down_comes
        a_down_is_taken_in_and_told_in_one_step
        a_timer_fires_or_is_cancelled
        a_name_is_free_before_anybody_hears_of_the_end
        no_name_outlives_its_process
        a_name_is_taken_away_in_one_step
        two_are_linked_or_not_and_agree;
    replies:
        an_answer_wakes_its_caller
        a_call_is_answered_or_times_out
        a_dropped_call_disturbs_nobody
        a_call_hears_why_its_callee_ended
        a_dropped_reply_is_told
        a_server_that_is_stopped_leaves_no_caller_behind;
    restarts:
        a_letter_to_a_child_ends_with_a_life_or_waits_for_the_next
        a_cell_is_handed_on_with_what_came_while_it_was_empty
        what_is_sent_to_a_place_waits_until_a_start_succeeds;
    rings:
        a_ring_of_calls_is_always_found
        a_reply_on_its_way_opens_a_ring
        a_word_from_elsewhere_opens_a_ring;
}
