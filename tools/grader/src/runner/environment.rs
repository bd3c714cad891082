//! The command line, variables and limits that a judge runs under.

use super::Plan;
use crate::sandbox::{Contained, Level, Unit};
use std::{ffi::OsString, io, path::Path};
use supervise::Limits;

/// Address space of each process of a test of untrusted code: room for any exercise, not for a memory bomb.
const MEMORY: u64 = 4 << 30;

/// Bytes of a file that untrusted code may write.
const FILE_SIZE: u64 = 1 << 30;

/// The judge's command, still without arguments. `reports` is where it appends what became of each test.
pub(super) fn command(plan: &Plan, reports: Option<&Path>) -> io::Result<Contained> {
    let subject = plan.subject.clone();
    let sandboxed = plan.sandbox.level() > Level::L0;
    let mut contained = plan.sandbox.judge(&Unit {
        judge: plan.judge.clone(),
        subject: subject.clone().unwrap_or_else(|| plan.judge.clone()),
        reports: reports.map(Path::to_owned),
        readable: plan.readable.clone(),
    })?;
    let inside: Vec<(OsString, OsString)> = contained
        .command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    let command = &mut contained.command;
    if plan.untrusted {
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_harmless)));
    }
    // What a test must not inherit from the one that calls us, and what keeps it from writing new snapshots.
    for name in [
        "CHECKS_COMPUTES",
        "CHECKS_CONTAINED",
        "CHECKS_SUBJECT",
        "CHECKS_REPORT",
        "CHECKS_SAVE_SCHEDULES",
        "RUST_TEST_THREADS",
        "RUST_TEST_NOCAPTURE",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command
        .env("INSTA_UPDATE", "no")
        .env("INSTA_FORCE_PASS", "0");
    if let Some(computes) = plan.computes {
        command.env("CHECKS_COMPUTES", computes.as_secs_f64().to_string());
    }
    if !plan.saves_schedules {
        command.env("CHECKS_SAVE_SCHEDULES", "no");
    }
    if sandboxed {
        // Paths outside mean nothing inside.
        command.env("HOME", "/tmp").env("TMPDIR", "/tmp");
        return Ok({
            command.envs(inside);
            contained
        });
    }
    if let Some(dir) = &plan.dir {
        command.current_dir(dir);
    }
    if let Some(subject) = subject {
        command.env("CHECKS_SUBJECT", subject);
    }
    if let Some(reports) = reports {
        command.env("CHECKS_REPORT", reports);
    }
    Ok(contained)
}

/// What the system enforces on the judge and on everything it starts.
pub(super) fn limits(plan: &Plan) -> Limits {
    Limits {
        memory: plan.untrusted.then_some(MEMORY),
        file_size: plan.untrusted.then_some(FILE_SIZE),
        die_with_parent: true,
        no_core_dump: true,
    }
}

/// The variables that untrusted code may see: enough to find Python and a place for temporary files, no tokens.
fn is_harmless(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TZ",
        "TMPDIR",
        "CI",
        "LAB_PYTHON",
        "COURSE_REQUIRE",
        "CHECKS_SEED",
        "CHECKS_PYTHON",
    ];
    NAMES.contains(&name)
        || ["LC_", "PYENV_", "DYLD_", "LD_LIBRARY"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}
