//! Processes: fork a child, wait for it, learn how it ended.

pub use crate::child::{Child, Finished};
pub use crate::crash::Crash;
pub use crate::descriptor::ParentOnly;
pub use crate::ended::{Ended, signal_name};
pub use crate::fork::{Answer, fork};
pub use crate::parent_death::die_with_parent;
pub use crate::peer::{Mortal, Peer};
pub use crate::pidfd::PidFd;
pub use crate::wait::has_ended;
pub use crate::worker::{Worker, WorkerEnd};
