//! `cargo course serve`: the book on this machine, reloaded after each edit.

use crate::text::{errln, outln};
use anyhow::Result;
use book::serve::{Event, Port, Server, asked_to_stop};
use std::{env, io, path::Path, process::ExitCode, thread, time::Duration};

/// An opener that is still at work after this time is the browser itself, and how it ends says nothing.
const FAILS_WITHIN: Duration = Duration::from_secs(10);

/// What `cargo course serve` is asked.
#[derive(clap::Args)]
pub struct Args {
    /// Listen on this port and no other (otherwise on 3000, or on any free port if 3000 is taken).
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Open the book in the browser.
    #[arg(long)]
    open: bool,
}

/// Serves the book in `root` until Ctrl-C.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let port = args.port.map_or(Port::Usual, Port::Exactly);
    let server = Server::bind(crate::book(root), port)?;
    let address = format!("http://{}", server.address());
    if let Some(port) = server.taken_port() {
        outln!("Port {port} is taken, so this is another one.");
    }
    server.run(asked_to_stop(), |event| match event {
        Event::Ready { took, warnings } => {
            warn(&warnings);
            outln!("Built the book in {:.1} s.", took.as_secs_f64());
            outln!("Read it on {address} (Ctrl-C ends it)");
            if args.open {
                open_beside(address.clone());
            }
        }
        Event::Rebuilt {
            changed,
            took,
            warnings,
        } => {
            warn(&warnings);
            let changed: Vec<_> = changed
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let why = match changed.is_empty() {
                true => "somebody removed the pages".to_owned(),
                false => changed.join(", "),
            };
            outln!("Rebuilt in {:.2} s: {why}", took.as_secs_f64());
        }
        Event::Broken(error) => {
            errln!("error: {error}\nThe last good book is still served; save again to retry.")
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the browser, and sees to what was started, without holding up the server.
fn open_beside(address: String) {
    let opener = thread::Builder::new().spawn(move || {
        if open(&address).is_err() {
            complain();
        }
    });
    if opener.is_err() {
        complain();
    }
}

/// Asks the system for its browser; where it has none to offer, the one that `BROWSER` names.
fn open(address: &str) -> io::Result<()> {
    // In a session of its own: the Ctrl-C that ends the server is not for the browser.
    open::that_detached_with_timeout(address, FAILS_WITHIN).or_else(|error| {
        match env::var("BROWSER") {
            Ok(browser) if !browser.is_empty() => open::with(address, browser),
            _ => Err(error),
        }
    })
}

fn complain() {
    errln!("warning: no browser could be opened; the address is above");
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        errln!("warning: {warning}");
    }
}
