//! Memory that is private to a process, shared with its children, or shared by name with any process.

pub use crate::block::{Block, BlockLock};
pub use crate::futex::fence;
pub use crate::mapping::Mapping;
pub use crate::pages::Pages;
pub use crate::region::page_size;
pub use crate::robust::{RobustGuard, RobustLock};
pub use crate::smaps::Usage;
pub use crate::spin::Spin;
pub use crate::word::Word;
pub use std::sync::atomic::Ordering;
