//! The tests of the chapter "Memory": for the learner, the reference solution and the grader.

#[path = "memory/copy_on_write.rs"]
mod copy_on_write;
#[path = "memory/lost_updates.rs"]
mod lost_updates;
#[path = "memory/python_block.rs"]
mod python_block;
#[path = "memory/shared_mapping.rs"]
mod shared_mapping;
