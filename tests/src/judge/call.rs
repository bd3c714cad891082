//! One call of a function in a subject, from its start to its answer.

use super::diagnose;
use super::process::{FLOOD_KIB, Silence, Subject};
use crate::account;
use crate::failure;
use crate::random;
use crate::subject::{Job, Reply};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use std::marker::PhantomData;
use supervise::End;
use wire::status::Status;

/// A subject at work. Dropping it ends the subject and all that it started.
pub struct Call<T> {
    /// What a learner calls the function that runs there.
    function: &'static str,
    subject: Subject,
    sent: u32,
    progress: Option<String>,
    returns: PhantomData<T>,
}

#[doc(hidden)]
pub fn start<T>(entry: &'static str, function: &'static str, input: &impl Serialize) -> Call<T> {
    let job = Job {
        entry: entry.to_owned(),
        input: to_raw_value(input).expect("inputs are plain data"),
        seed: random::seed(),
    };
    // By now the learner's code may have changed the process that subjects are forks of.
    let is_first = !super::start::is_learners_doing();
    match Subject::start(function) {
        Ok(subject) => Call::ready(subject, function, &job, is_first),
        Err(error) if super::start::is_learners_doing() => {
            failure::remember_kill();
            failure::fail(
                Status::Crash,
                format!("{function} could not be started again: {error}."),
                Some("Earlier calls filled or killed everything in their sandbox."),
            )
        }
        Err(error) => {
            failure::infrastructure(format!("no subject could be started: {error}"));
        }
    }
}

impl<T> Call<T> {
    /// Sends the job. A subject that ends before it is ready was not ended by the learner's code.
    fn ready(mut subject: Subject, function: &'static str, job: &Job, is_first: bool) -> Self {
        subject.send(job);
        let mut call = Self {
            function,
            subject,
            sent: 0,
            progress: None,
            returns: PhantomData,
        };
        match call.reply() {
            Ok(Reply::Ready) => call,
            Ok(Reply::Refused(why)) if is_first => failure::infrastructure(why),
            other if super::start::is_learners_doing() => call.fail_with(other),
            _ => {
                let status = call.subject.stop();
                let printed = call.subject.printed();
                failure::infrastructure(format!(
                    "the subject of {function} did not begin: it {}; is it made from the same tests?\n{printed}",
                    ended(status)
                ))
            }
        }
    }

    /// Sends a value to the subject, which takes it with [`crate::recv`].
    pub fn send(&mut self, value: &impl Serialize) {
        self.subject.send(value);
    }

    /// Waits for what the subject sends with [`crate::send`]; a subject that ends first fails the test.
    ///
    /// # Panics
    /// To fail the test.
    pub fn recv<S: DeserializeOwned>(&mut self) -> S {
        match self.reply() {
            Ok(Reply::Sent(value)) => {
                self.sent += 1;
                self.parse(&value)
            }
            Ok(Reply::Returned(value)) => {
                self.take_printed();
                failure::fail(
                    Status::Failed,
                    format!(
                        "{} returned {} before it did what the test was waiting for.",
                        self.function,
                        short(&value)
                    ),
                    None,
                )
            }
            other => self.fail_with(other),
        }
    }

    fn take_printed(&mut self) {
        self.subject.stop();
        failure::remember_printed(self.function, self.subject.printed());
    }

    fn parse<V: DeserializeOwned>(&mut self, value: &RawValue) -> V {
        serde_json::from_str(value.get())
            .unwrap_or_else(|error| self.fail_with(Err(Silence::Broken(error.to_string()))))
    }

    /// Waits for what the subject sends next, past reports of progress and accounts, which give it no more time.
    fn reply(&mut self) -> Result<Reply, Silence> {
        self.subject.restart_clock();
        loop {
            match self.subject.reply() {
                Ok(Reply::Progress(progress)) => self.progress = Some(progress),
                Ok(Reply::Accounts(accounts)) => accounts.into_iter().for_each(account::note),
                other => return other,
            }
            if self.subject.is_late() {
                return Err(Silence::Late);
            }
        }
    }

    /// Fails the test for anything but the expected reply.
    fn fail_with(&mut self, reply: Result<Reply, Silence>) -> ! {
        let function = self.function;
        // While it still waits.
        let late = matches!(reply, Err(Silence::Late))
            .then(|| diagnose::where_it_waits(self.subject.id().unwrap_or(0)));
        let status = self.subject.stop();
        failure::remember_printed(function, self.subject.printed());
        let progress = match &self.progress {
            Some(progress) => format!(" {progress}."),
            None => String::new(),
        };
        match reply {
            Ok(Reply::Panicked(panic)) => failure::learner_panicked(function, &panic),
            Ok(_) => failure::fail(
                Status::Crash,
                format!("{function} sent more messages than the test asked for."),
                None,
            ),
            Err(Silence::Late) => {
                let (what, why) = late.unwrap_or_default();
                failure::fail(
                    Status::Timeout,
                    format!("{function} did not return in time: {what}.{progress}"),
                    why.as_deref(),
                )
            }
            Err(Silence::Flood) => failure::fail(
                Status::OutputLimit,
                format!("{function} printed more than {FLOOD_KIB} KiB, so it was ended."),
                None,
            ),
            // It was ready, so the learner's code has run: what comes from here on is on its account.
            Err(Silence::Broken(why)) => failure::fail(
                Status::Crash,
                format!("{function} gave no answer: its process sent something else: {why}."),
                None,
            ),
            Err(Silence::End) => {
                let after = match self.sent {
                    0 => String::new(),
                    1 => ", after 1 message".into(),
                    sent => format!(", after {sent} messages"),
                };
                failure::fail(
                    Status::Crash,
                    format!(
                        "{function} gave no answer: its process {}{after}.{progress}",
                        ended(status)
                    ),
                    Some(why_it_ended(status, self.subject.printed())),
                )
            }
        }
    }
}

impl<T: DeserializeOwned> Call<T> {
    /// Waits for the answer; a subject that gives none fails the test.
    ///
    /// # Panics
    /// To fail the test.
    #[must_use]
    pub fn finish(mut self) -> T {
        match self.reply() {
            Ok(Reply::Returned(value)) => {
                self.take_printed();
                self.parse(&value)
            }
            other => self.fail_with(other),
        }
    }
}

/// What the end of a process means, as far as its last words tell.
fn why_it_ended(end: Option<End>, printed: &str) -> &'static str {
    let says = |text: &str| printed.contains(text);
    if says("non-unwinding panic")
        || says("panic in a destructor")
        || says("panicked while processing panic")
    {
        "A panic in a `drop` that runs because of another panic aborts the process: ignore errors there."
    } else if says("overflowed its stack") {
        "A function calls itself without end: each call takes some of the stack, until none is left."
    } else if says("memory allocation of") {
        "It asked for more memory than there is: does a loop fill it without end?"
    } else if end.is_some_and(|end| end.signal().is_some()) {
        "A signal ends the whole process, with all that runs in it."
    } else {
        "A function that ends its process never returns to its caller, and takes everything else in the process with it."
    }
}

fn short(value: &RawValue) -> String {
    const SHOW: usize = 200;
    let text = value.get();
    match text.char_indices().nth(SHOW) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn ended(end: Option<End>) -> String {
    match end {
        None => "closed its connection and was ended by the judge".into(),
        Some(end) if end.is_success() => format!("{end} before it returned"),
        Some(end) => end.to_string(),
    }
}
