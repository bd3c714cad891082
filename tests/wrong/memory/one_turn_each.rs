//! Wrong: gives each thread one turn, as if an addition were one step
//! Changes: lost_updates
//! Fails: lost_updates::your_turns_are_two_for_each_thread
//! Section: memory/exercise.md#you-are-the-scheduler

pub fn losing_turns() -> Vec<Turn> {
    vec![Turn::A, Turn::B]
}
