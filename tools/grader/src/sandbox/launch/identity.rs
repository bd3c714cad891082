//! As whom a program runs: user id and capabilities.

use rustix::{
    process::{Gid, Uid},
    thread::{
        CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
        configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
        set_keep_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    },
};
use serde::{Deserialize, Serialize};
use std::io;

/// As whom a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Identity {
    /// As the user who starts it.
    Same,
    /// From root: as the user with this id, who may still reach files that this user couldn't.
    User(u32),
    /// From root: as root, with nothing that root may but to write files of others.
    Writer,
    /// Without any capability.
    Nobody,
}

impl Identity {
    pub(super) fn assume(self) -> io::Result<()> {
        match self {
            Self::Same => {}
            Self::User(id) => become_user(id)?,
            Self::Writer => keep(CapabilitySet::DAC_OVERRIDE | CapabilitySet::FOWNER)?,
            Self::Nobody => {
                clear_ambient_capability_set()?;
                set(CapabilitySet::empty(), CapabilitySet::empty())?;
            }
        }
        Ok(())
    }
}

fn become_user(id: u32) -> io::Result<()> {
    let kept = CapabilitySet::DAC_OVERRIDE;
    limit_bounding_set(kept)?;
    set_keep_capabilities(true)?;
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    set(kept, kept)?;
    configure_capability_in_ambient_set(kept, true)?;
    Ok(())
}

fn keep(kept: CapabilitySet) -> io::Result<()> {
    limit_bounding_set(kept)?;
    clear_ambient_capability_set()?;
    set(kept, CapabilitySet::empty())
}

/// Sets what this process may, and what it hands on to a program that asks for nothing.
fn set(permitted: CapabilitySet, inheritable: CapabilitySet) -> io::Result<()> {
    let permitted = permitted & capabilities(None)?.permitted;
    let sets = CapabilitySets {
        effective: permitted,
        permitted,
        inheritable: inheritable & permitted,
    };
    Ok(set_capabilities(None, sets)?)
}

/// Has no program ever get more than these.
fn limit_bounding_set(kept: CapabilitySet) -> io::Result<()> {
    for number in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << number);
        if kept.contains(one) {
            continue;
        }
        match remove_capability_from_bounding_set(one) {
            Ok(()) => {}
            // Beyond the last that this kernel knows.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
