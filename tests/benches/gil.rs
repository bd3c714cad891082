//! Benchmark of the chapter "The GIL: one at a time".
//!
//! Takes: a few seconds.
//! Lesson: TODO: the lesson in three lines like this one; `cargo course bench` prints them at the end.

use criterion::{Criterion, criterion_group, criterion_main};
use gil::lock::answer;
use std::hint::black_box;

fn benchmark(criterion: &mut Criterion) {
    criterion.bench_function("yours", |bencher| bencher.iter(|| answer(black_box(1))));
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
