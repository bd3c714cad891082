//! Wrong: forgets the children and computes the results itself
//! Changes: around
//! Fails: around::no_child_is_left_behind
//! Section: memory/exercise.md#wait-for-your-children

pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    let mut children = Vec::new();
    let mut failed = None;
    for program in programs {
        let run = || Ok(machine::run(std::slice::from_ref(program), settings).variables);
        match process::fork(run) {
            Ok(child) => {
                std::mem::forget(child);
                children.push(program);
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let mut all = Vec::new();
    for program in children {
        all.push(machine::run(std::slice::from_ref(program), settings).variables);
    }
    failed.map_or(Ok(all), Err)
}
