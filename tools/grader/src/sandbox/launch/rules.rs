//! Landlock: which files a program may use, and that its signals and sockets stay among its own.
//!
//! A program and all that it starts are a *domain*. The kernel refuses it ptrace, `/proc/<pid>/mem` and signals to processes
//! outside. A domain that is made within another one can do less than that one, never more.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The first version of Landlock that keeps signals in, of Linux 6.12. Without that a submission could stop its judge.
const NEEDED: ABI = ABI::V6;

/// What may be done with a file, or with everything in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Access {
    /// List folders.
    List,
    /// Read.
    Read,
    /// Read, and run programs.
    Run,
    /// Write to files that exist.
    Write,
    /// Use a device.
    Device,
    /// Use shared memory whose name one knows: make, open and remove files, but not list them.
    Blocks,
    /// Everything but to make devices.
    Change,
}

/// A rule for a path that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Rule(pub PathBuf, pub Access);

impl Access {
    fn rights(self) -> BitFlags<AccessFs> {
        match self {
            Self::List => AccessFs::ReadDir.into(),
            Self::Read => AccessFs::ReadFile | AccessFs::ReadDir,
            Self::Run => AccessFs::from_read(NEEDED),
            Self::Write => AccessFs::WriteFile.into(),
            Self::Device => make_bitflags!(AccessFs::{ReadFile | WriteFile | IoctlDev}),
            Self::Blocks => {
                make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate | MakeReg | RemoveFile})
            }
            Self::Change => {
                let devices = make_bitflags!(AccessFs::{MakeChar | MakeBlock | IoctlDev});
                (AccessFs::from_all(NEEDED) & !devices) | AccessFs::ResolveUnix
            }
        }
    }
}

/// Makes a domain of this process, in which the rules hold.
pub(super) fn apply(rules: &[Rule], own_sockets_only: bool) -> Result<(), RulesetError> {
    let mut scope = BitFlags::from(Scope::Signal);
    if own_sockets_only {
        scope |= Scope::AbstractUnixSocket;
    }
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .handle_access(AccessNet::from_all(NEEDED))?
        .scope(scope)?
        // Sockets with a path: from Linux 7.1 on. Where they can't be refused, the probe looks for some.
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::ResolveUnix)?;
    let mut ruleset = ruleset.create()?;
    for Rule(path, access) in rules {
        // One that has gone meanwhile can't be used either way.
        let Ok(fd) = PathFd::new(path) else { continue };
        let mut rights = access.rights();
        if !path.is_dir() {
            rights &= AccessFs::from_file(ABI::V9);
        }
        ruleset = ruleset.add_rule(PathBeneath::new(fd, rights))?;
    }
    ruleset.restrict_self()?;
    Ok(())
}

/// Makes a domain within this process's, from which nobody in that one can be signaled.
pub(super) fn withdraw() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .scope(Scope::Signal)?
        // The one right that every domain takes away unless it says otherwise: to move files between folders.
        .handle_access(AccessFs::Refer)?;
    let everywhere = PathBeneath::new(PathFd::new("/")?, AccessFs::Refer);
    ruleset.create()?.add_rule(everywhere)?.restrict_self()?;
    Ok(())
}

/// Whether this kernel's Landlock is enough; if not, what is missing.
pub(in crate::sandbox) fn version() -> Result<(), String> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))
        .and_then(|ruleset| ruleset.scope(Scope::Signal));
    match ruleset {
        Ok(_) => Ok(()),
        Err(_) => Err(
            "the kernel's Landlock can't keep signals in (Linux 6.12 can, where `landlock` is among the security modules)"
                .to_owned(),
        ),
    }
}
