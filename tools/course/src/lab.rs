//! `cargo course lab`: measures the book's claims on this machine.

use crate::text::{Output, errln, outln};
use anyhow::{Context, Result, ensure};
use grader::stop::Stop;
use lab::measure::{Setup, Subject};
use lab::plan::{self, Plan};
use lab::python::{Python, newest};
use lab::record::Owner;
use lab::report::named;
use lab::{Error, claims, experiment};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How long one experiment may take before it is ended.
const DEADLINE: Duration = Duration::from_secs(180);

/// What `cargo course lab` is asked.
#[derive(clap::Args)]
#[command(after_help = "\
Each claim is measured in Rust, in the newest Python with a GIL, and in the newest without.
It looks for CPython 3.9 or newer in LAB_PYTHON (paths or names, with colons between), then as
python3.14t, python3.13t, python3.14, python3.13 and python3, then among pyenv's.
Each verdict follows from the measurements by a rule that is printed with it.")]
pub struct Args {
    /// The claims, such as M1 or M4; all of them when none is named.
    #[arg(value_name = "CLAIM")]
    claims: Vec<String>,

    /// Measure in this Python (a path, or a name on the PATH); may be given several times.
    #[arg(long, value_name = "PYTHON")]
    python: Vec<PathBuf>,

    /// Measure in every Python found.
    #[arg(long, conflicts_with = "python")]
    all: bool,

    /// Measure fewer rounds, for a first look.
    #[arg(long)]
    quick: bool,

    /// For authors: write the records that the book ships, measured in every Python found.
    #[arg(long, conflicts_with = "quick")]
    reference: bool,

    /// For authors: print every figure that the book's records hold, with its path for `{{#figure …}}`.
    #[arg(long, conflicts_with_all = ["python", "all", "quick", "reference"])]
    figures: bool,

    /// Run one experiment in Rust, in this process: a claim, and how many rounds.
    #[arg(long, hide = true)]
    experiment: bool,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    if args.experiment {
        return run_experiment(&args.claims);
    }
    let claims = match named(&args.claims) {
        Ok(claims) => claims,
        Err(error) => {
            errln!("error: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    if args.figures {
        for claim in claims {
            for (path, text) in lab::figures(root, claim)? {
                outln!("{path:48} {text}");
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Stop::on_signals().context("cannot watch for Ctrl-C")?;
    let pythons = pythons(&args)?;
    if pythons.is_empty() {
        errln!(
            "no CPython 3.9 or newer found, so only Rust is measured (name one with `--python` or LAB_PYTHON)"
        );
    }
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let setup = Setup {
        root,
        rust: (this, ["lab", "--experiment"].map(Into::into).into()),
        stop: &stop,
        deadline: DEADLINE,
    };
    let rust = std::iter::once(Subject::Rust);
    let plan = Plan {
        claims,
        subjects: rust
            .chain(pythons.into_iter().map(Subject::Python))
            .collect(),
        quick: args.quick,
        owner: if args.reference {
            Owner::Reference
        } else {
            Owner::Mine
        },
    };
    match plan::run(&setup, &plan, &mut Output) {
        Ok(0) => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE), // each failure was named as it happened
        Err(error @ Error::Stopped) => {
            errln!("{error}");
            Ok(ExitCode::from(130))
        }
        Err(error) => Err(error.into()),
    }
}

/// The Pythons to measure: the named ones, all, or the newest.
fn pythons(args: &Args) -> Result<Vec<Python>, Error> {
    let search = lab::python::search();
    let named = args.python.iter().map(|python| search.one(python));
    Ok(if !args.python.is_empty() {
        named.collect::<Result<_, _>>()?
    } else if args.all || args.reference {
        search.all()?
    } else if search.named.is_some() {
        search.named()?
    } else {
        newest(&search.all()?)
    })
}

fn run_experiment(args: &[String]) -> Result<ExitCode> {
    ensure!(
        args.len() == 2,
        "an experiment needs a claim and a number of rounds"
    );
    let rounds = args[1]
        .parse()
        .context("the number of rounds is not a number")?;
    experiment::run(claims::find(&args[0])?, rounds)?;
    Ok(ExitCode::SUCCESS)
}
