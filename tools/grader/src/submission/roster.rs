//! Who is in the class: a CSV file with a column `username`, as Classroom 50 has it, or `github_username`, as GitHub Classroom had it.
//!
//! Both name a learner's repository `…-<username>`, and so the folder of a clone. With the roster, results call a submission by its
//! learner's `identifier`, where there is that column, or else by the user name, and say who handed in nothing.

use super::Submission;
use crate::text::printable;
use serde::Deserialize;
use std::{fs, io, path::Path};

/// The learners of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster(Vec<Learner>);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Learner {
    /// What the instructor calls the learner; Classroom 50 has only user names.
    #[serde(default)]
    identifier: String,
    /// Empty until the learner has accepted an assignment.
    #[serde(alias = "username")]
    github_username: String,
}

/// Why a roster can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// The system refuses.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// The file.
        path: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// It is no roster.
    #[error(
        "{path} is no roster: {cause} (it needs a column username or github_username; identifier is optional)"
    )]
    Parse {
        /// The file.
        path: String,
        /// What is wrong.
        cause: csv::Error,
    },
}

impl Roster {
    /// Reads a roster.
    ///
    /// # Errors
    /// When the file can't be read, or lacks a column.
    pub fn open(path: &Path) -> Result<Self, RosterError> {
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|cause| RosterError::Read {
            path: shown.clone(),
            cause,
        })?;
        Self::parse(&text).map_err(|cause| RosterError::Parse { path: shown, cause })
    }

    fn parse(text: &str) -> Result<Self, csv::Error> {
        // Spreadsheets begin a file with a mark of its encoding.
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        reader.deserialize().collect::<Result<_, _>>().map(Self)
    }

    /// Renames the submissions of learners on the roster, and returns the others' identifiers.
    pub(super) fn call(&self, submissions: &mut [Submission]) -> Vec<String> {
        let mut absent = vec![true; self.0.len()];
        for submission in submissions {
            let Some(index) = self.find(&submission.name) else {
                continue;
            };
            absent[index] = false;
            submission.name = self.0[index].name();
        }
        let missing = self.0.iter().zip(absent).filter(|(_, absent)| *absent);
        missing.map(|(learner, _)| learner.name()).collect()
    }

    /// Whose repository has this name. Of `lab1-ann` and `lab1-mary-ann` the longer user name wins, and user names ignore case.
    fn find(&self, repository: &str) -> Option<usize> {
        let repository = repository.to_ascii_lowercase();
        let is_of = |user: &str| {
            let user = user.to_ascii_lowercase();
            !user.is_empty()
                && repository
                    .strip_suffix(&user)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
        };
        let users = self.0.iter().map(|learner| &*learner.github_username);
        let fitting = users.enumerate().filter(|(_, user)| is_of(user));
        fitting
            .max_by_key(|(_, user)| user.len())
            .map(|(index, _)| index)
    }
}

impl Learner {
    fn name(&self) -> String {
        match self.identifier.as_str() {
            "" => printable(&self.github_username),
            identifier => printable(identifier),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROSTER: &str = "\u{feff}\"identifier\",\"github_username\",\"github_id\",\"name\"\r\n\
        \"Ann, the first\",ann,1,\"\"\r\n\"mary@example.org\",Mary-Ann,2,Mary\r\n\"bob\",,,\r\n";

    fn call(names: &[&str]) -> (Vec<String>, Vec<String>) {
        let roster = Roster::parse(ROSTER).expect("a roster");
        let mut all: Vec<_> = names
            .iter()
            .map(|name| super::super::submission(name.into()))
            .collect();
        let absent = roster.call(&mut all);
        (all.into_iter().map(|one| one.name).collect(), absent)
    }

    #[test]
    fn learners_are_called_by_their_identifiers_and_the_absent_are_named() {
        let (names, absent) = call(&["lab1-ann", "lab1-mary-ann", "lab1-joann", "eve"]);
        assert_eq!(
            names,
            ["Ann, the first", "mary@example.org", "lab1-joann", "eve"]
        );
        assert_eq!(absent, ["bob"]);
    }

    #[test]
    fn a_user_name_alone_is_enough_and_its_case_does_not_matter() {
        let (names, absent) = call(&["MARY-ANN"]);
        assert_eq!(names, ["mary@example.org"]);
        assert_eq!(absent, ["Ann, the first", "bob"]);
    }

    #[test]
    fn another_table_is_no_roster() {
        let error = Roster::parse("name,mark\nann,1\n").expect_err("refused");
        assert!(error.to_string().contains("github_username"), "{error}");
    }

    #[test]
    fn a_roster_of_classroom_50_is_one() {
        let text = "username,first_name,last_name,email,section,github_id,role\nann,Ann,A.,a@example.org,1,7,student\nbob,,,,,,\n";
        let mut all = vec![super::super::submission("term-lab1-ann".into())];
        let absent = Roster::parse(text).expect("a roster").call(&mut all);
        assert_eq!(
            (all[0].name.as_str(), absent),
            ("ann", vec!["bob".to_owned()])
        );
    }
}
