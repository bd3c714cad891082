//! Wrong: lets one thread finish before the other begins, so nothing is lost
//! Changes: lost_updates
//! Fails: lost_updates::your_turns_lose_an_update
//! Section: memory/exercise.md#you-are-the-scheduler

pub fn losing_turns() -> Vec<Turn> {
    vec![Turn::A, Turn::A, Turn::B, Turn::B]
}
