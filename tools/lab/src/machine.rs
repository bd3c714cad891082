//! The machine that an experiment ran on. Records are shipped, so it names no host, user or path.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The operating system: `Linux`.
    pub os: String,
    /// The kernel's release, numbers only: `6.18.44`.
    pub kernel: String,
    /// The processor's architecture: `x86_64`.
    pub arch: String,
    /// The processor's model, as it names itself.
    pub cpu: String,
    /// How many CPUs this process may use.
    pub cpus: usize,
}

impl Machine {
    /// Describes this machine.
    #[must_use]
    pub fn this() -> Self {
        let system = rustix::system::uname();
        Self {
            os: system.sysname().to_string_lossy().into_owned(),
            kernel: numbers(&system.release().to_string_lossy()).to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpu: cpu_model().unwrap_or_else(|| "unknown CPU".to_owned()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Returns whether runs on both machines belong in one record: everything but the kernel is equal.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        (&self.os, &self.arch, &self.cpu, self.cpus)
            == (&other.os, &other.arch, &other.cpu, other.cpus)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            os,
            kernel,
            arch,
            cpu,
            cpus,
        } = self;
        let plural = if *cpus == 1 { "" } else { "s" };
        write!(f, "{cpu}, {cpus} CPU{plural}, {os} {kernel} {arch}")
    }
}

/// Strips what a vendor or host appended: `6.18.44-custom` becomes `6.18.44`.
fn numbers(release: &str) -> &str {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.');
    release[..end.unwrap_or(release.len())].trim_end_matches('.')
}

fn cpu_model() -> Option<String> {
    if cfg!(target_os = "macos") {
        let said = std::process::Command::new("sysctl")
            .args(["-n", "machdep.cpu.brand_string"])
            .output()
            .ok()?;
        let said = String::from_utf8(said.stdout).ok()?;
        return (!said.trim().is_empty()).then(|| said.trim().to_owned());
    }
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    model_in(&info)
}

fn model_in(cpuinfo: &str) -> Option<String> {
    let (_, model) = cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| ["model name", "Model"].contains(&name.trim()))?;
    Some(model.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_vendor_appends_is_left_out() {
        assert_eq!(numbers("6.18.44-fc-v509"), "6.18.44");
        assert_eq!(numbers("6.1.0-18-amd64"), "6.1.0");
        assert_eq!(numbers("24.1.0"), "24.1.0");
    }

    #[test]
    fn the_model_is_found_in_cpuinfo() {
        let info = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD  EPYC\nflags: fpu\n";
        assert_eq!(model_in(info).as_deref(), Some("AMD EPYC"));
        assert_eq!(model_in("processor : 0\n"), None);
    }

    #[test]
    fn a_new_kernel_is_still_the_same_machine() {
        let this = Machine::this();
        let updated = Machine {
            kernel: "99.0".into(),
            ..this.clone()
        };
        let bigger = Machine {
            cpus: this.cpus + 1,
            ..this.clone()
        };
        assert!(this.is_same_as(&updated) && !this.is_same_as(&bigger));
    }
}
