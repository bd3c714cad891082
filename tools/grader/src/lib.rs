//! The grader: finds the course's chapters, compiles a submission as the subject of a chapter's tests, runs them under
//! the judge, and writes down verdicts. A solution is a submission that passes; starters and wrong answers go the same way.

pub mod course;
pub mod runner;
pub mod stop;

mod process;
mod text;
