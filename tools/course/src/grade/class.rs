//! Judges a class: several exercises at a time, and each result is on the disk before it is shown.

use super::{Args, Row};
use crate::text::{Ticker, count, errln};
use anyhow::Result;
use grader::{
    course::{Chapter, Course},
    grade::{Grader, Interrupted, Judge, Judging, Prepared, Record, Step, annotate},
    results::Results,
    sandbox::Sandbox,
    shard::Shard,
    stop::Stop,
    submission::Submission,
};
use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// An exercise that takes this many times as long as the reference solution did, and [`SLOW`] at least, no longer counts
/// among those that run: it mostly waits, or loops, and others go on beside it.
const SLOWER: u32 = 4;
const SLOW: Duration = Duration::from_secs(2);

/// How many may run for each that counts.
const CROWD: usize = 4;

/// How a class was judged.
pub enum Outcome {
    /// All of it.
    Judged(Vec<Row>),
    /// Somebody asked to stop when so many exercises were judged.
    Interrupted {
        /// Exercises whose results are kept.
        judged: usize,
        /// All there are.
        all: usize,
    },
}

/// One exercise of one submission, or a submission that has none.
struct Task<'a> {
    submission: &'a Submission,
    chapter: Option<&'a Chapter>,
    key: String,
}

impl Task<'_> {
    fn slug(&self) -> &str {
        self.chapter.map_or("", |chapter| &chapter.slug)
    }
}

/// What is known so far.
struct Class<'a> {
    tasks: Vec<Task<'a>>,
    records: Vec<Option<Vec<Record>>>,
    results: &'a mut Results,
    progress: Progress,
}

/// Judges all. Results that an interrupted grader left are taken over.
pub fn judge(
    course: &Course,
    submissions: &[Submission],
    args: &Args,
    sandbox: Sandbox,
    results: &mut Results,
    stop: &Stop,
) -> Result<Outcome> {
    let mut progress = Progress::new();
    progress.say(format_args!("sandbox: {}", sandbox.describe()));
    let at_work = if sandbox.is_exclusive() {
        AtWork::alone()
    } else {
        AtWork::new(args.jobs())
    };
    let waiting =
        || errln!("another `cargo course grade` is at work in this course: waiting for it");
    let grader = match Grader::new(course, stop, waiting) {
        Err(_) if stop.is_requested() => return Ok(Outcome::Interrupted { judged: 0, all: 0 }),
        other => other?,
    };
    let mut grader = grader
        .within(sandbox)
        .with_budget(Duration::from_secs(args.budget));
    let tasks = tasks(course, submissions, args.shard, &mut grader)?;
    progress.all = tasks.len();
    let mut class = Class {
        records: vec![None; tasks.len()],
        tasks,
        results,
        progress,
    };
    class.take_over();
    let finished = run(&mut class, &mut grader, at_work)?;
    let known = class.records.iter().flatten().count();
    if finished == Err(Interrupted) {
        return Ok(Outcome::Interrupted {
            judged: known,
            all: class.tasks.len(),
        });
    }
    let rows = class.tasks.iter().zip(class.records);
    let rows = rows.map(|(task, records)| Row {
        submission: task.submission.name.clone(),
        exercise: task.slug().to_owned(),
        records: records.unwrap_or_default(),
    });
    Ok(Outcome::Judged(rows.collect()))
}

fn tasks<'a>(
    course: &'a Course,
    submissions: &'a [Submission],
    shard: Option<Shard>,
    grader: &mut Grader,
) -> Result<Vec<Task<'a>>> {
    let mut tasks = Vec::new();
    let mine = |one: &&Submission| shard.is_none_or(|shard| shard.has(&one.name));
    for submission in submissions.iter().filter(mine) {
        if submission.problem.is_some() {
            tasks.push(Task {
                submission,
                chapter: None,
                key: String::new(),
            });
        }
        for slug in &submission.chapters {
            tasks.push(Task {
                submission,
                chapter: Some(course.chapter(slug)?),
                key: grader.key(submission, slug)?,
            });
        }
    }
    Ok(tasks)
}

/// Judges as many exercises at a time as `at_work` has room for, each on a thread of its own.
fn run(
    class: &mut Class<'_>,
    grader: &mut Grader,
    mut at_work: AtWork,
) -> Result<Result<(), Interrupted>> {
    let (done, finished) = mpsc::channel();
    let judging = grader.judging();
    thread::scope(|scope| {
        for index in 0..class.tasks.len() {
            if class.records[index].is_some() {
                continue;
            }
            let Task {
                submission,
                chapter,
                ..
            } = class.tasks[index];
            let Some(chapter) = chapter else {
                if let Some(problem) = &submission.problem {
                    let record = grader.refuse(submission, problem);
                    class.add(index, vec![record])?;
                }
                continue;
            };
            let progress = &mut class.progress;
            let place = format!("{}/{} {}", index + 1, progress.all, submission.name);
            let mut step = |step: Step<'_>| progress.step(&place, &chapter.slug, step);
            let Ok(judge) = grader.judge(&chapter.slug, &mut step) else {
                return Ok(Err(Interrupted));
            };
            while let Some(patience) = at_work.full() {
                let ended = match patience {
                    Some(patience) => finished.recv_timeout(patience),
                    None => finished.recv().map_err(RecvTimeoutError::from),
                };
                match ended {
                    Ok(ended) => {
                        if !class.end(&mut at_work, ended)? {
                            return Ok(Err(Interrupted));
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let progress = &mut class.progress;
            progress.step(&place, &chapter.slug, Step::Building);
            at_work.begin(index, judge.as_ref().map_or(SLOW, |judge| judge.pace()));
            let (done, judging) = (done.clone(), &judging);
            scope.spawn(move || {
                let records = judge_one(judging, submission, chapter, judge);
                // Nobody wants to know any more after a stop.
                let _ = done.send((index, records));
            });
        }
        drop(done);
        for ended in finished {
            if !class.end(&mut at_work, ended)? {
                return Ok(Err(Interrupted));
            }
        }
        Ok(Ok(()))
    })
}

type Ended = (usize, Result<Vec<Record>, Interrupted>);

fn judge_one(
    judging: &Judging,
    submission: &Submission,
    chapter: &Chapter,
    judge: Result<Arc<Judge>, String>,
) -> Result<Vec<Record>, Interrupted> {
    match judging.prepare(submission, chapter, judge)? {
        Prepared::Done(records) => Ok(records),
        Prepared::Ready(unit) => judging.run(&unit, |_| {}),
    }
}

/// The exercises that are being judged.
struct AtWork {
    jobs: usize,
    /// How many there may be, slow ones included.
    most: usize,
    /// When each becomes a slow one.
    slow_from: BTreeMap<usize, Instant>,
}

impl AtWork {
    fn new(jobs: usize) -> Self {
        Self {
            jobs,
            most: CROWD * jobs,
            slow_from: BTreeMap::new(),
        }
    }

    /// One after the other, however slow.
    fn alone() -> Self {
        Self {
            most: 1,
            ..Self::new(1)
        }
    }

    fn begin(&mut self, index: usize, pace: Duration) {
        let slow_from = Instant::now() + (SLOWER * pace).max(SLOW);
        self.slow_from.insert(index, slow_from);
    }

    /// For how long there is no room for another unless one ends; without a duration until one ends.
    fn full(&self) -> Option<Option<Duration>> {
        let now = Instant::now();
        let quick = self.slow_from.values().filter(|from| **from > now);
        let quick: Vec<_> = quick.collect();
        if self.slow_from.len() >= self.most {
            return Some(None);
        }
        let next = quick.iter().min().map(|from| **from - now);
        (quick.len() >= self.jobs).then_some(next)
    }
}

impl Class<'_> {
    /// Takes over what an interrupted grader found out.
    fn take_over(&mut self) {
        for (task, records) in self.tasks.iter().zip(&mut self.records) {
            *records = self.results.take(&task.key);
            if let Some(records) = records {
                annotate(records, task.submission, task.chapter);
            }
        }
        let known = self.records.iter().flatten().count();
        if known > 0 {
            self.progress.known = known;
            let shown = count(known, "exercise");
            self.progress
                .say(format_args!("{shown} judged before: continuing from there"));
        }
    }

    /// Adds what has ended; returns `false` on a stop.
    fn end(&mut self, at_work: &mut AtWork, (index, records): Ended) -> Result<bool> {
        at_work.slow_from.remove(&index);
        match records {
            Ok(records) => self.add(index, records).map(|()| true),
            Err(Interrupted) => Ok(false),
        }
    }

    fn add(&mut self, index: usize, mut records: Vec<Record>) -> Result<()> {
        let task = &self.tasks[index];
        annotate(&mut records, task.submission, task.chapter);
        if task.chapter.is_some() {
            self.results.add(&task.key, &records)?;
        }
        let row = Row {
            submission: task.submission.name.clone(),
            exercise: task.slug().to_owned(),
            records,
        };
        self.progress.end(&row);
        self.records[index] = Some(row.records);
        Ok(())
    }
}

/// What goes on, on standard error: one line that is renewed on a terminal, a line per exercise elsewhere.
struct Progress {
    ticker: Ticker,
    all: usize,
    /// How many were judged before, by a grader that was interrupted.
    known: usize,
    ended: usize,
    /// When the first was begun.
    begun: Option<Instant>,
}

impl Progress {
    fn new() -> Self {
        Self {
            ticker: Ticker::new(),
            all: 0,
            known: 0,
            ended: 0,
            begun: None,
        }
    }

    fn say(&mut self, what: impl Display) {
        self.ticker.clear();
        errln!("{what}");
    }

    fn step(&mut self, place: &str, slug: &str, step: Step<'_>) {
        match step {
            Step::BuildingJudge(slug) if !self.ticker.is_shown() => {
                self.say(format_args!(
                    "building the judge of {slug}, which takes a few minutes the first time"
                ));
            }
            Step::TryingJudge(slug) if !self.ticker.is_shown() => {
                self.say(format_args!(
                    "trying the judge of {slug} on its own solution"
                ));
            }
            Step::BuildingJudge(slug) => self.ticker.show(&format!("building the judge of {slug}")),
            Step::TryingJudge(slug) => self
                .ticker
                .show(&format!("trying the judge of {slug} on its own solution")),
            Step::Cargo(line) => self.ticker.show(line.trim()),
            Step::Building | Step::Judged(..) => {
                self.begun.get_or_insert_with(Instant::now);
                let left = self.time_left();
                self.ticker.show(&format!("{place}, {slug}{left}"));
            }
        }
    }

    /// How long it goes on if the rest is like what was.
    fn time_left(&self) -> String {
        let Some(begun) = self.begun.filter(|_| self.ended > 0) else {
            return String::new();
        };
        let each = begun.elapsed().as_secs_f64() / self.ended as f64;
        let left = (each * self.all.saturating_sub(self.known + self.ended) as f64).ceil();
        format!("; about {left} s left")
    }

    fn end(&mut self, row: &Row) {
        self.ended += 1;
        self.ticker.clear();
        if self.ticker.is_shown() {
            return;
        }
        let (name, slug) = (&row.submission, &row.exercise);
        let (score, worst) = (row.score(None), row.worst());
        // They end in no order, so this counts them.
        let (ended, all) = (self.known + self.ended, self.all);
        match slug.as_str() {
            "" => errln!("{ended}/{all} {name}: {worst}"),
            slug => errln!("{ended}/{all} {name} {slug}: {score} {worst}"),
        }
    }
}
