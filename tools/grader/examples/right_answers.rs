//! Writes a class of which everybody deserves full marks: the solution and the right answers of every chapter, each as a submission
//! `<chapter>-<answer>` in the folder that the command line names. For `tests/measure/fairness.py`.

use grader::{gate::Gate, stop::Stop};
use std::{env, fs, path::Path};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let class = env::args_os().nth(1).ok_or("which folder?")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (slug, name, sources) in Gate::open(&root, true, &Stop::new())?.right_answers()? {
        let submission = Path::new(&class).join(format!("{slug}-{name}"));
        for (path, text) in sources.iter() {
            let path = submission
                .join("exercises")
                .join(&slug)
                .join("src")
                .join(path);
            fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
            fs::write(path, text)?;
        }
    }
    Ok(())
}
