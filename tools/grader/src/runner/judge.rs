//! One judge process: what it says of its tests while it runs, and the verdicts that follow.

use super::{Budget, Plan, Status, TestResult, environment, report, result, tidy};
use crate::{
    sandbox::{Contained, Exceeded},
    stop::Stop,
};
use report::{Printed, Reports, parse_line};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::ControlFlow,
    process::Stdio,
    time::Duration,
};
use supervise::{End, Keep, Options, Outcome, Patience, Running, Stream};

/// What is kept of each output stream of a judge.
const OUTPUT: usize = 256 << 10;

/// How often the stop flag is looked at.
const TICK: Duration = Duration::from_millis(50);

/// A judge process at work.
pub(super) struct Judge {
    running: Running,
    said: Said,
    contained: Contained,
}

/// What a judge has said so far.
pub(super) struct Said {
    reports: Reports,
    pub(super) printed: BTreeMap<String, Printed>,
    settled: BTreeSet<String>,
    /// The limit that the subject's processes ran into.
    exceeded: Option<Exceeded>,
}

impl Judge {
    pub(super) fn start<'a>(
        plan: &Plan,
        tests: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<Self> {
        let reports = Reports::create()?;
        let mut contained = environment::command(plan, Some(reports.path()))?;
        let command = &mut contained.command;
        command
            .args(["--test-threads", &plan.jobs.max(1).to_string(), "--exact"])
            .args(tests)
            .stdin(Stdio::null());
        let mut options = Options::new(plan.deadline);
        options.patience = Patience::wall_clock(plan.deadline);
        options.stdout = Keep::First(OUTPUT);
        options.stderr = Keep::Last(OUTPUT);
        options.limits = environment::limits(plan);
        Ok(Self {
            running: Running::spawn(command, &options)?,
            contained,
            said: Said {
                reports,
                printed: BTreeMap::new(),
                settled: BTreeSet::new(),
                exceeded: None,
            },
        })
    }

    /// Waits for the judge's end; `on_result` gets each test that has both a line and a report.
    pub(super) fn watch(
        mut self,
        stop: &Stop,
        until: Option<Budget>,
        mut on_result: impl FnMut(TestResult),
    ) -> io::Result<(Outcome, Said)> {
        let said = &mut self.said;
        let reason = loop {
            let before = said.printed.len();
            let _ = self.running.pump_lines(TICK, &mut |stream, line| {
                said.hear(stream, line);
                ControlFlow::Continue(())
            })?;
            // Each test that is done gives the others their whole time again.
            if said.reports.refresh()? > 0 || said.printed.len() > before {
                self.running.restart_clock();
                said.exceeded = self.contained.exceeded();
                said.settle(&mut on_result);
            }
            if self.running.has_ended() {
                break None;
            }
            if stop.is_requested() {
                break Some(End::Stopped);
            }
            if super::is_over(until) {
                break Some(End::Halted);
            }
            if let Some(up) = self.running.time_up() {
                break Some(End::TimeUp(up));
            }
        };
        let outcome = self.running.finish_lines(reason, &mut |stream, line| {
            said.hear(stream, line);
            ControlFlow::Continue(())
        })?;
        said.reports.refresh()?;
        said.exceeded = self.contained.exceeded();
        Ok((outcome, self.said))
    }
}

impl Said {
    fn hear(&mut self, stream: Stream, line: &str) {
        if stream == Stream::Stdout
            && let Some((test, printed)) = parse_line(line)
        {
            // The first line counts: what follows may be a learner's output, shown with a failure.
            self.printed.entry(test.to_owned()).or_insert(printed);
        }
    }

    /// Hands out the verdicts that are new.
    fn settle(&mut self, on_result: &mut impl FnMut(TestResult)) {
        let open = self.printed.iter();
        let open = open.filter(|(test, _)| !self.settled.contains(*test));
        let fresh: Vec<_> = open
            .filter_map(|(test, how)| self.conclude(test, *how, None))
            .collect();
        for result in fresh {
            self.settled.insert(result.test.clone());
            on_result(result);
        }
    }

    /// The verdict, if there is one yet: `outcome` says how the judge ended, if it has. Line and report must agree for a pass.
    pub(super) fn conclude(
        &self,
        test: &str,
        printed: Printed,
        outcome: Option<&Outcome>,
    ) -> Option<TestResult> {
        let passes =
            |report: &&TestResult| matches!(report.status, Status::Passed | Status::Skipped);
        match (self.reports.get(test), printed, outcome) {
            // Whatever the line says: a learner who prints one cannot take back what the judge reported.
            (Some(report), _, _) if !passes(&report) => {
                Some(tidy(blame(report.clone(), self.exceeded)))
            }
            (Some(report), Printed::Ok, _) => Some(tidy(report.clone())),
            (_, _, None) => None,
            // The judge reports every test: without a report this line is somebody else's.
            (None, Printed::Ok, Some(_)) => None,
            // An assertion of the judge that did not go through the report: it is shown on standard output.
            (_, Printed::Failed, Some(outcome)) => {
                let shown = report::shown(test, &outcome.stdout.text());
                Some(result(test, Status::Failed, shown))
            }
        }
    }
}

/// A crash of code whose processes used up their memory has a name of its own.
fn blame(report: TestResult, exceeded: Option<Exceeded>) -> TestResult {
    match (report.status, exceeded) {
        (Status::Crash, Some(Exceeded::Memory)) => TestResult {
            status: Status::MemoryLimit,
            message: format!(
                "{}\nAll of its processes together used more memory than a submission may.",
                report.message
            ),
            ..report
        },
        _ => report,
    }
}
