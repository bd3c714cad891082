//! Judges a class: one exercise is compiled while others run, and each result is on the disk before the next is shown.

use super::{Args, Row};
use crate::text::{Ticker, count, errln};
use anyhow::Result;
use grader::{
    course::{Chapter, Course},
    grade::{Grader, Interrupted, Judging, Prepared, Record, Step, Unit, annotate},
    results::Results,
    sandbox::Sandbox,
    shard::Shard,
    stop::Stop,
    submission::Submission,
};
use std::{
    fmt::Display,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

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
    let jobs = if sandbox.is_exclusive() {
        1
    } else {
        args.jobs()
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
    let finished = run(&mut class, &mut grader, jobs)?;
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

/// Compiles one after the other, and runs what is compiled on `jobs` threads.
fn run(class: &mut Class<'_>, grader: &mut Grader, jobs: usize) -> Result<Result<(), Interrupted>> {
    let (to_run, compiled) = mpsc::channel();
    let compiled = Mutex::new(compiled);
    let (done, finished) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (done, judging) = (done.clone(), grader.judging());
            let compiled = &compiled;
            scope.spawn(move || work(compiled, &judging, |ended| done.send(ended).is_ok()));
        }
        drop(done);
        let mut running = 0;
        for index in 0..class.tasks.len() {
            if class.records[index].is_some() {
                continue;
            }
            // One is ready when the next thread is free; more would only lie about.
            while running > jobs {
                running -= 1;
                let (index, records) = finished.recv()?;
                match records {
                    Ok(records) => class.add(index, records)?,
                    Err(Interrupted) => return Ok(Err(Interrupted)),
                }
            }
            let task = &class.tasks[index];
            let Some(chapter) = task.chapter else {
                if let Some(problem) = &task.submission.problem {
                    let record = grader.refuse(task.submission, problem);
                    class.add(index, vec![record])?;
                }
                continue;
            };
            let progress = &mut class.progress;
            let place = format!("{}/{} {}", index + 1, progress.all, task.submission.name);
            let step = |step: Step<'_>| progress.step(&place, &chapter.slug, step);
            match grader.prepare(task.submission, chapter, step) {
                Ok(Prepared::Done(records)) => class.add(index, records)?,
                Ok(Prepared::Ready(unit)) => {
                    running += 1;
                    to_run.send((index, unit))?;
                }
                Err(Interrupted) => return Ok(Err(Interrupted)),
            }
        }
        drop(to_run);
        for (index, records) in finished {
            match records {
                Ok(records) => class.add(index, records)?,
                Err(Interrupted) => return Ok(Err(Interrupted)),
            }
        }
        Ok(Ok(()))
    })
}

type Ended = (usize, Result<Vec<Record>, Interrupted>);

/// Judges units as they come, until there are no more or nobody wants to know.
fn work(
    compiled: &Mutex<Receiver<(usize, Box<Unit>)>>,
    judging: &Judging,
    mut tell: impl FnMut(Ended) -> bool,
) {
    loop {
        let next = compiled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok((index, unit)) = next else { return };
        let records = judging.run(&unit, |_| {});
        // Its files go before anybody hears of its end.
        drop(unit);
        if !tell((index, records)) {
            return;
        }
    }
}

impl Class<'_> {
    /// Takes over what an interrupted grader found out.
    fn take_over(&mut self) {
        for (task, records) in self.tasks.iter().zip(&mut self.records) {
            *records = self.results.known(&task.key).map(<[Record]>::to_vec);
            if let Some(records) = records {
                annotate(records, task.submission, task.chapter);
            }
        }
        let known = self.records.iter().flatten().count();
        if known > 0 {
            let known = count(known, "exercise");
            self.progress
                .say(format_args!("{known} judged before: going on from there"));
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
        self.progress.end(index, &row);
        self.records[index] = Some(row.records);
        Ok(())
    }
}

/// What goes on, on standard error: one line that is renewed on a terminal, a line per exercise elsewhere.
struct Progress {
    ticker: Ticker,
    all: usize,
    ended: usize,
    /// When the first was begun.
    begun: Option<Instant>,
}

impl Progress {
    fn new() -> Self {
        Self {
            ticker: Ticker::new(),
            all: 0,
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
                self.say(format_args!("building the judge of {slug}"));
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
        let left = (each * self.all.saturating_sub(self.ended) as f64).ceil();
        format!("; about {left} s left")
    }

    fn end(&mut self, index: usize, row: &Row) {
        self.ended += 1;
        self.ticker.clear();
        if self.ticker.is_shown() {
            return;
        }
        let (name, slug) = (&row.submission, &row.exercise);
        let (score, worst) = (row.score(None), row.worst());
        errln!("{}/{} {name} {slug}: {score} {worst}", index + 1, self.all);
    }
}
