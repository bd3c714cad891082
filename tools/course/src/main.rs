//! `cargo course`: the one command of the book.
#![warn(missing_docs)]

mod bench;
mod build;
mod check;
mod doctor;
mod grade;
mod hint;
mod judge;
mod lab;
mod new;
mod preprocess;
mod progress;
mod reader;
mod report;
mod reset;
mod root;
mod section;
mod serve;
mod solution;
mod text;
mod watch;

use clap::{Parser, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use text::errln;

/// Process vs Thread in Python: the book, its exercises, its experiments and its grader.
///
/// Without a command it serves the book: `cargo course` is `cargo course serve`.
#[derive(Parser)]
#[command(
    name = "course",
    bin_name = "cargo course",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "\
A first evening:
  cargo course --open            read the book in the browser; it reloads when a page changes
  cargo course watch             leave this beside your editor; it judges a step on each save
  cargo course hint              ask for a nudge, then for a bigger one
  cargo course lab               measure the book's claims on your own machine

Exit codes: 0 done, 1 something failed, 2 the command line was wrong; `grade` has its own 3.",
    after_long_help = "\
A first evening:
  cargo course --open            read the book in the browser; it reloads when a page changes
  cargo course watch             leave this beside your editor; it judges a step on each save
  cargo course hint              ask for a nudge, then for a bigger one
  cargo course lab               measure the book's claims on your own machine

Exit codes: 0 done, 1 something failed, 2 the command line was wrong; `grade` has its own 3.
Nothing is sent anywhere: the server listens on 127.0.0.1 alone, and everything runs on this machine."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: serve::Args,

    /// The folder of the course, when it is not the current one or one above it.
    #[arg(long, global = true, hide = true, value_name = "DIR")]
    root: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Build the book, serve it on this machine, and reload the browser after each edit.
    Serve(serve::Args),
    /// Write the book as a static site.
    Build(build::Args),
    /// Run the tests of a chapter's exercise, or of one step, and say what to do next.
    Check(check::Args),
    /// Check on every save, with a progress bar over the course.
    Watch(watch::Args),
    /// Show a hint for a step: one more each time you ask.
    Hint(hint::Args),
    /// Put a step back as the course ships it, keeping a backup of yours.
    Reset(reset::Args),
    /// Show the reference answer of a step that you have solved.
    Solution(solution::Args),
    /// Measure the book's claims on this machine, in Python and in Rust.
    Lab(lab::Args),
    /// Run the benchmark of a chapter's exercise.
    Bench(bench::Args),
    /// Judge submissions and write one verdict per test.
    Grade(Box<grade::Args>),
    /// For authors: begin a chapter or a claim.
    New(new::Args),
    /// Say what this machine has, and what each missing thing would add.
    Doctor(doctor::Args),
    /// Answer mdBook as a preprocessor: `book.toml` calls this, so people need not.
    #[command(hide = true)]
    Preprocess(preprocess::Args),
}

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = grader::sandbox::launcher_requested() {
        return code;
    }
    std::panic::set_hook(Box::new(report_bug));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return show_usage(&answer),
    };
    let done = root::find(cli.root).and_then(|root| {
        let root = root.as_path();
        match cli.command.unwrap_or(Command::Serve(cli.serve)) {
            Command::Serve(args) => serve::run(root, args),
            Command::Build(args) => build::run(root, args),
            Command::Check(args) => check::run(root, args),
            Command::Watch(args) => watch::run(root, args),
            Command::Hint(args) => hint::run(root, args),
            Command::Reset(args) => reset::run(root, args),
            Command::Solution(args) => solution::run(root, args),
            Command::Lab(args) => lab::run(root, args),
            Command::Bench(args) => bench::run(root, args),
            Command::Grade(args) => grade::run(root, &args),
            Command::New(args) => new::run(root, args),
            Command::Doctor(args) => doctor::run(root, args),
            Command::Preprocess(args) => preprocess::run(root, args),
        }
    });
    let code = done.unwrap_or_else(|error| {
        errln!("error: {error:#}");
        ExitCode::FAILURE
    });
    text::finish(code)
}

/// Shows what clap answers: the help that was asked for, or what is wrong with the command line.
fn show_usage(answer: &clap::Error) -> ExitCode {
    let code = u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
    if answer.use_stderr() {
        let _ = answer.print();
        return code;
    }
    text::print(format_args!("{}", answer.render().ansi()));
    text::finish(code)
}

/// The book in `root`, whose charts and figures are the lab's.
fn book(root: &Path) -> book::Book {
    let evidence = book::Evidence {
        chart: |root, claim| ::lab::chart(root, claim).map_err(|error| error.to_string()),
        figure: |root, path| ::lab::figure(root, path).map_err(|error| error.to_string()),
        peers: |root, slug| ::lab::peers(root, slug).map_err(|error| error.to_string()),
    };
    book::Book::new(root, evidence)
}

/// Turns a panic, which is always our mistake, into one line.
fn report_bug(panic: &std::panic::PanicHookInfo<'_>) {
    let what = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string);
    let place = place.as_deref().unwrap_or("an unknown place");
    errln!("error: a bug in the course's own tools, at {place}: {what} (please report it)");
}
