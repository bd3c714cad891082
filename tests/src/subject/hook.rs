//! What happens around each operation of the learner's code: it may fail, it may have to wait, it is recorded.

use super::{faults, ledger, processes, rival};
use os_core::hook::Event;
use std::io;

pub(super) fn install() {
    os_core::hook::install(on);
}

fn on(event: &Event<'_>) -> io::Result<()> {
    faults::inject(event)?;
    processes::steer(event);
    rival::act(event);
    ledger::record(event);
    Ok(())
}
