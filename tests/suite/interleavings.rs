//! The runtime on threads that a checker schedules: see `tests/interleaved`.

use greenroom_interleaved::{call_cycles, connections, ends, queues, replies, restarts};

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
        messages_arrive_once_and_in_order
        a_message_that_makes_room_is_dropped_once
        later_receives_take_skipped_messages_in_order
        a_waiter_is_admitted_or_withdraws
        a_full_mailbox_admits_the_message_that_its_owner_waits_for
        at_an_owners_end_each_message_is_received_left_or_refused;
    ends:
        all_watchers_receive_an_end_once_with_one_reason
        an_exit_signal_always_wakes
        after_demonitor_no_down_comes
        a_monitor_is_removed_and_its_down_sent_in_one_step
        a_timer_fires_or_is_cancelled
        a_name_is_free_before_watchers_receive_the_end
        no_name_outlives_its_process
        a_name_is_removed_in_one_step
        two_are_linked_or_not_and_agree;
    replies:
        an_answer_wakes_its_caller
        a_call_is_answered_or_times_out
        a_dropped_call_has_no_effect_on_later_calls
        a_call_fails_with_the_reason_of_its_callees_end
        a_dropped_reply_fails_the_call
        a_stopped_server_leaves_no_caller_waiting;
    restarts:
        a_letter_to_a_child_is_read_lost_or_waits_for_the_next_incarnation
        a_vacant_cell_keeps_its_letters_for_the_next_incarnation
        letters_to_a_child_wait_until_a_start_succeeds;
    call_cycles:
        a_cycle_of_calls_is_always_found
        a_forwarded_reply_is_not_a_cycle
        a_call_beside_another_wait_is_not_a_cycle;
    connections:
        crossed_dials_leave_one_connection
        a_lost_connection_ends_each_call_and_each_monitor_once;
}
