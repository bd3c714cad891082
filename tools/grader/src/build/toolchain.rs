//! Where cargo and rustc are, and which variables steer them: what a sandboxed build gets of the machine.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// The folders of cargo and rustup.
pub(super) struct Homes {
    cargo: PathBuf,
    rustup: PathBuf,
}

impl Homes {
    /// Those of the user who runs this.
    pub(super) fn of_user() -> Self {
        let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let at = |variable, default| {
            env::var_os(variable).map_or_else(|| home.join(default), PathBuf::from)
        };
        Self {
            cargo: at("CARGO_HOME", ".cargo"),
            rustup: at("RUSTUP_HOME", ".rustup"),
        }
    }

    /// What a build reads of them: programs, downloaded crates and configuration, but no credentials. The folder of a
    /// toolchain that is named directly comes on top.
    pub(super) fn readable(&self) -> impl Iterator<Item = PathBuf> {
        let cargo = ["bin", "registry", "git", "config.toml", "config"];
        let rustup = ["toolchains", "settings.toml"];
        let direct = env::var_os("CARGO")
            .map(PathBuf::from)
            .and_then(|cargo| cargo.parent().and_then(Path::parent).map(Path::to_owned))
            .filter(|toolchain| toolchain.join("lib/rustlib").is_dir());
        cargo
            .map(|name| self.cargo.join(name))
            .into_iter()
            .chain(rustup.map(|name| self.rustup.join(name)))
            .chain(direct)
    }

    /// Names them, since a sandboxed build has no home.
    pub(super) fn variables(&self) -> [(&'static str, OsString); 3] {
        [
            ("CARGO_HOME", self.cargo.clone().into()),
            ("RUSTUP_HOME", self.rustup.clone().into()),
            ("HOME", "/tmp".into()),
        ]
    }
}

/// Whether a build needs the variable to be the same build. All others are withheld: a submission's diagnostics could
/// print them.
pub(super) fn steers_build(name: &OsStr) -> bool {
    const NAMES: [&str; 8] = [
        "PATH",
        "CARGO",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_INCREMENTAL",
        "CC",
        "RUSTC",
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
    ];
    const PREFIXES: [&str; 3] = ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];
    name.to_str().is_some_and(|name| {
        NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_reaches_a_compiler() {
        for secret in [
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_MINE_TOKEN",
            "GITHUB_TOKEN",
            "HOME",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(!steers_build(OsStr::new(secret)), "{secret}");
        }
        assert!(steers_build(OsStr::new("RUSTFLAGS")));
    }
}
