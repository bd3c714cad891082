//! The grader: finds the course's chapters, compiles a submission as the subject of a chapter's tests, runs them under
//! the judge, and writes down verdicts. A solution is a submission that passes; starters and wrong answers go the same way.

pub mod build;
pub mod course;
pub mod gate;
pub mod grade;
pub mod report;
pub mod results;
pub mod runner;
pub mod sandbox;
mod scratch;
pub mod shard;
pub mod slot;
pub mod sources;
pub mod stop;
pub mod submission;
pub mod text;
