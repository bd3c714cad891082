//! An experiment forks, so it must refuse to run beside other threads. It limits the lifetime of its process, so this
//! test has one of its own.

use std::thread;

#[test]
fn an_experiment_that_forks_refuses_to_run_beside_other_threads() {
    // The test's own thread beside libtest's.
    let claims = lab::claims::CLAIMS.iter();
    let forks = claims
        .filter(|claim| claim.experiment.is_some())
        .map(|claim| {
            let run = || lab::experiment::run(claim, 1);
            let ended = thread::scope(|scope| scope.spawn(run).join());
            ended.expect("an experiment does not panic")
        });
    let refused: Vec<_> = forks
        .filter_map(Result::err)
        .map(|error| error.to_string())
        .collect();
    assert!(!refused.is_empty());
    for why in refused {
        assert!(why.starts_with("fork: this process has "), "{why}");
    }
}
