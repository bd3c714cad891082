//! `progress.toml` as text: what people wrote into it, comments above all, survives each change.

use super::{Error, Progress, Step};
use std::{ops::Range, path::Path};
use toml_edit::{DocumentMut, ImDocument, Item, Key, Table, TableLike, Value, value};

const VERSION: i64 = 1;
pub(super) const HEADER: &str = "\
# How far you are in \"Process vs Thread in Python\". Written by `cargo course`, from test results.
# Carry it along when you move to another machine, together with your `exercises` folder.
";

/// The fields of a step, in the order in which they are written.
const FIELDS: [&str; 6] = ["solved", "gave_up", "hints", "passed", "total", "source"];

/// A file in which nothing was done yet.
pub(super) fn new() -> DocumentMut {
    let mut document = DocumentMut::new();
    document["version"] = value(VERSION);
    if let Some(mut key) = document.key_mut("version") {
        key.leaf_decor_mut().set_prefix(HEADER);
    }
    document
}

/// What is wrong, and where.
struct Problem {
    at: Option<Range<usize>>,
    what: String,
}

impl Problem {
    fn new(at: Option<Range<usize>>, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { at, what }
    }
}

/// Reads the records, and the text that they stand in.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<(Progress, DocumentMut), Error> {
    let corrupt = |problem: Problem| {
        let offset = problem.at.map_or(0, |at| at.start).min(bytes.len());
        Error::Corrupt {
            path: path.to_owned(),
            line: 1 + bytes[..offset].iter().filter(|b| **b == b'\n').count(),
            what: problem.what.lines().collect::<Vec<_>>().join(", "),
        }
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        corrupt(Problem::new(Some(at..at), "this is not UTF-8 text"))
    })?;
    let document = ImDocument::parse(text)
        .map_err(|error| corrupt(Problem::new(error.span(), error.message())))?;
    let version = document.get("version");
    match version.and_then(Item::as_integer) {
        // Before anything else: a later course may have put things here that we cannot know.
        Some(found) if found > VERSION => {
            return Err(Error::Newer {
                path: path.to_owned(),
                found,
            });
        }
        Some(VERSION) => {}
        Some(found) => {
            let what = format!("version {found} is unknown");
            return Err(corrupt(Problem::new(version.and_then(Item::span), what)));
        }
        None => {
            let what = "`version = 1` is missing";
            return Err(corrupt(Problem::new(version.and_then(Item::span), what)));
        }
    }
    let mut progress = Progress::default();
    for (chapter, steps) in document.iter().filter(|(name, _)| *name != "version") {
        let table = as_table(steps, chapter, document.key(chapter)).map_err(corrupt)?;
        for (step, record) in table.iter() {
            let name = format!("{chapter}.{step}");
            let record = as_table(record, &name, table.key(step))
                .and_then(read_step)
                .map_err(corrupt)?;
            *progress.step_mut(chapter, step) = record;
        }
    }
    Ok((progress, document.into_mut()))
}

fn as_table<'a>(
    item: &'a Item,
    name: &str,
    key: Option<&Key>,
) -> Result<&'a dyn TableLike, Problem> {
    item.as_table_like().ok_or_else(|| {
        let at = item.span().or(key.and_then(Key::span));
        Problem::new(at, format!("`{name}` is not a table"))
    })
}

fn read_step(table: &dyn TableLike) -> Result<Step, Problem> {
    let mut step = Step::default();
    for (name, item) in table.iter() {
        let at = || item.span().or(table.key(name).and_then(Key::span));
        let text = || {
            let text = item.as_str().map(str::to_owned);
            text.ok_or_else(|| Problem::new(at(), format!("`{name}` takes a string")))
        };
        let number = || {
            let number = item.as_integer().and_then(|n| usize::try_from(n).ok());
            number.ok_or_else(|| Problem::new(at(), format!("`{name}` takes a number from 0")))
        };
        match name {
            "solved" => step.solved = Some(text()?),
            "gave_up" => step.gave_up = Some(text()?),
            "source" => step.source = Some(text()?),
            "hints" => step.hints = number()?,
            "passed" => step.passed = number()?,
            "total" => step.total = number()?,
            _ => {
                let key = table.key(name).and_then(Key::span);
                let what = format!(
                    "`{name}` is unknown (a step has solved, gave_up, hints, passed, total and source)"
                );
                return Err(Problem::new(key.or(at()), what));
            }
        }
    }
    Ok(step)
}

/// Writes the record of a step into the text, each value in its place.
pub(super) fn set(document: &mut DocumentMut, chapter: &str, step: &str, record: &Step) {
    let steps = document.entry(chapter).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let Some(steps) = steps.as_table_like_mut() else {
        return; // refused when the file was read
    };
    if steps.get(step).is_none() {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        steps.insert(step, Item::Table(table));
    }
    let Some(table) = steps.get_mut(step).and_then(Item::as_table_like_mut) else {
        return;
    };
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX).into();
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let values: [(&str, Option<Value>); 6] = [
        ("solved", text(&record.solved)),
        ("gave_up", text(&record.gave_up)),
        ("hints", (record.hints > 0).then(|| number(record.hints))),
        ("passed", Some(number(record.passed))),
        ("total", Some(number(record.total))),
        ("source", text(&record.source)),
    ];
    for (name, new) in values {
        match (table.get_mut(name).and_then(Item::as_value_mut), new) {
            (Some(old), Some(mut new)) => {
                *new.decor_mut() = old.decor().clone(); // a comment behind the value
                *old = new;
            }
            (None, Some(new)) => {
                table.insert(name, Item::Value(new));
            }
            (_, None) => {
                table.remove(name);
            }
        }
    }
    let record = steps.get_mut(step).and_then(Item::as_table_mut);
    if let Some(table) = record {
        let place = |key: &Key| FIELDS.iter().position(|field| *field == key.get());
        table.sort_values_by(|one, _, two, _| place(one).cmp(&place(two)));
    }
}

/// Puts the tables of the steps in this order; those that it does not name come last, as they stood.
pub(super) fn sort(document: &mut DocumentMut, order: &[(&str, &str)]) {
    let mut places = Vec::new();
    for (chapter, steps) in document.iter() {
        for (step, record) in steps.as_table().into_iter().flat_map(Table::iter) {
            if let Some(table) = record.as_table() {
                let known = order.iter().position(|known| *known == (chapter, step));
                let stood = table.position().unwrap_or(usize::MAX);
                let key = (known.unwrap_or(order.len()), stood);
                places.push((key, chapter.to_owned(), step.to_owned()));
            }
        }
    }
    places.sort();
    for (place, (_, chapter, step)) in (1..).zip(places) {
        let table = document
            .get_mut(&chapter)
            .and_then(|steps| steps.get_mut(&step))
            .and_then(Item::as_table_mut);
        if let Some(table) = table {
            table.set_position(place);
        }
    }
}
