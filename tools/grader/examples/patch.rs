//! Prints a step of the solution with the items of an answer in place of its own, as the gate does for `//! Changes: <step>`. The
//! command line names both files. For `tests/measure/verdicts.py`.

use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = env::args_os().skip(1);
    let mut next = || files.next().ok_or("usage: patch SOLUTION ANSWER");
    let (solution, answer) = (fs::read_to_string(next()?)?, fs::read_to_string(next()?)?);
    print!("{}", grader::gate::apply(&solution, &answer)?);
    Ok(())
}
