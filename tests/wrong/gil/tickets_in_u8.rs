//! Wrong: counts tickets in eight bits, which add up to no more than 255
//! Changes: switching
//! Fails: switching::many_threads_get_the_lock
//! Section: gil/exercise.md#first-come-first-served

struct Tickets {
    next: u8,
    serving: u8,
}
