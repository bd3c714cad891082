use super::*;
use crate::{Runtime, machine::Machine, record::Measurement, sample};
use roxmltree::Node;

/// A record of any claim with a value for each metric, in Rust and in these Pythons (`3.13.5t`: free-threaded).
fn record(claim: &Claim, factor: f64, cpu: &str, pythons: &[&str]) -> Record {
    let machine = Machine {
        cpu: cpu.into(),
        ..sample::machine()
    };
    let mut record = Record::new(claim, machine);
    let runtimes = pythons.iter().map(|version| {
        let free = version.strip_suffix('t');
        Runtime::python(free.unwrap_or(version), free.is_some(), free.is_none())
    });
    for runtime in runtimes.chain([Runtime::rust()]) {
        let measured = (1..).zip(claim.metrics_of(runtime.language));
        let measured = measured.filter_map(|(number, metric)| {
            let value = factor * 3_f64.powi(number);
            let values = [0.9 * value, value, 1.1 * value];
            Measurement::new(metric.id, metric.unit.name, &values)
        });
        let mut run = sample::run(runtime.clone(), 1.0);
        run.measurements = measured.collect();
        let whole = claim.chart.axis.share_of.unwrap_or("pages");
        run.given = [(whole.to_owned(), 800_000)].into();
        record.add(run);
    }
    record
}

fn parsed<T>(html: &str, check: impl FnOnce(Node<'_, '_>) -> T) -> T {
    let document =
        roxmltree::Document::parse(html).unwrap_or_else(|error| panic!("{error}: {html}"));
    check(document.root_element())
}

fn count_of(node: Node<'_, '_>, name: &str) -> usize {
    let nodes = node.descendants();
    nodes.filter(|node| node.tag_name().name() == name).count()
}

#[test]
fn every_chart_is_well_formed_accessible_and_fit_for_markdown() {
    let pythons = ["3.9.18", "3.13.0", "3.13.5t"];
    for claim in claims::CLAIMS
        .iter()
        .copied()
        .chain([&sample::CLAIM, &sample::TIMES])
    {
        let reference = record(claim, 1.0, "R <&> \"D\"", &pythons);
        let mine = Some(record(claim, 2.5, "Mine", &["3.12.1", "3.13.0"]));
        for own in [&None, &mine] {
            let html = draw(claim, &reference, Ok(own));
            let blank = html.lines().any(|line| line.trim().is_empty());
            assert!(!blank, "a blank line would end the HTML");
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
            parsed(&html, |figure| {
                let find = |name: &str, value: &str| {
                    let mut nodes = figure.descendants();
                    nodes
                        .find(|node| node.attribute(name) == Some(value))
                        .unwrap()
                };
                let plot = find("role", "img");
                for reference in ["aria-labelledby", "aria-describedby"] {
                    let id = plot.attribute(reference).unwrap();
                    assert!(!find("id", id).text().unwrap().is_empty());
                }
                let points = count_of(plot, "circle") + count_of(plot, "path");
                assert!(points > 0, "{html}");
                assert_eq!(count_of(figure, "table"), 1);
                assert_eq!(count_of(figure, "figcaption"), 1);
                let prefix = format!("chart-{}", claim.id);
                let mut ids = figure.descendants().filter_map(|node| node.attribute("id"));
                assert!(ids.all(|id| id.starts_with(&prefix)));
            });
        }
    }
}

#[test]
fn the_readers_own_points_are_hollow_and_the_legend_says_whose() {
    let claim = &sample::CLAIM;
    let reference = record(claim, 1.0, "Theirs", &["3.13.0"]);
    let alone = draw(claim, &reference, Ok(&None));
    assert!(alone.contains("Add your own: <code>cargo course lab S1</code>"));
    assert!(alone.contains("The rule: ") && !alone.contains("Yours, Python"));
    assert!(!alone.contains("class=\"mine\""));

    let mine = Some(record(claim, 2.0, "My CPU", &["3.13.0"]));
    let both = draw(claim, &reference, Ok(&mine));
    assert!(both.contains("<li>Yours, Python 3.13.0") && both.contains("<li>Python 3.13.0"));
    let legend = "yours: My CPU, 2 CPUs, Linux 6.1.0 x86_64 (Rust";
    assert!(both.contains(legend), "{both}");
    let count = |class: &str| both.matches(&format!("class=\"{class}\"")).count();
    assert_eq!(
        count("mine"),
        count("reference") - 2,
        "but for the languages in the legend"
    );
}

#[test]
fn the_readers_rounds_and_pythons_are_those_that_are_drawn() {
    let claim = &sample::TIMES;
    let reference = record(claim, 1.0, "Theirs", &["3.13.0"]);
    let mut mine = record(claim, 2.0, "My CPU", &["3.13.0", "3.13.5t"]);
    let same = draw(claim, &reference, Ok(&Some(mine.clone())));
    assert!(
        same.contains("Marker: median of 3 rounds; line"),
        "as many in both: {same}"
    );
    for run in &mut mine.runs {
        for one in &mut run.measurements {
            one.samples = 2;
        }
    }
    let quick = draw(claim, &reference, Ok(&Some(mine)));
    assert!(
        quick.contains("Marker: median of 3 rounds (yours: 2); line"),
        "{quick}"
    );
    let (above, _) = quick.split_once("<figcaption>").unwrap();
    assert!(above.contains("(Python 3.13.0 (GIL))"), "{above}");
    assert!(
        !above.contains("3.13.5"),
        "it draws no mark for it: {above}"
    );
}

#[test]
fn a_python_that_only_the_reader_has_gets_a_line_in_its_place() {
    let claim = &sample::CLAIM;
    let reference = record(claim, 1.0, "Theirs", &["3.9.18", "3.13.0"]);
    let mine = record(claim, 1.0, "Mine", &["3.12.1", "3.13.0"]);
    let picture = Picture::new(claim, &reference, Some(&mine));
    let (label, lines) = &picture.sections[0].rows[0];
    let lines = lines.iter().map(|line| {
        let sides = (line.reference.is_some(), line.mine.is_some());
        (line.name.as_str(), sides)
    });
    let expected = [
        ("Rust", (true, true)),
        ("Python 3.9", (true, false)),
        ("Python 3.12", (false, true)),
        ("Python 3.13", (true, true)),
    ];
    assert_eq!(
        (*label, lines.collect::<Vec<_>>()),
        ("n += 1", expected.to_vec())
    );
}

#[test]
fn an_event_that_never_happened_has_an_upper_bound() {
    let claim = &sample::CLAIM;
    let mut reference = Record::new(claim, sample::machine());
    reference.add(sample::run(Runtime::python("3.13.0", false, true), 0.0));
    let html = draw(claim, &reference, Ok(&None));
    assert!(html.contains(">Python 3.13: 0 of 3 rounds<"), "{html}");
    assert!(html.contains("0 of 3 rounds (so at most 63 % of rounds, with 95 % confidence)"));
    assert!(html.contains("None in 3 rounds still allows up to 63 % of rounds"));
}

#[test]
fn a_record_of_the_readers_that_is_broken_is_named_and_the_rest_drawn() {
    let root = tempfile::tempdir().unwrap();
    let claim = claims::CLAIMS[0];
    let reference = record(claim, 1.0, "Theirs", &["3.13.0"]);
    let (machine, runs) = (reference.machine, reference.runs);
    let missing = chart(root.path(), claim.id);
    assert!(matches!(missing, Err(Error::NoRecord { .. })));
    Record::write(root.path(), claim, Owner::Reference, &machine, runs, || {}).unwrap();
    let mine = Owner::Mine.path(claim);
    std::fs::create_dir_all(root.path().join("records/mine")).unwrap();
    std::fs::write(root.path().join(&mine), "{").unwrap();
    let html = chart(root.path(), claim.id).unwrap();
    let says = format!(
        "Yours cannot be shown: {}: not a usable record",
        mine.display()
    );
    assert!(html.contains(&says), "{html}");
    parsed(&html, |figure| assert_eq!(count_of(figure, "table"), 1));
}

#[test]
fn a_logarithmic_chart_says_so_and_one_without_points_says_that() {
    let claim = &sample::TIMES;
    let html = draw(claim, &record(claim, 1.0, "x", &["3.13.0"]), Ok(&None));
    assert!(html.contains(">logarithmic scale<") && html.contains("The axis is logarithmic."));
    let empty = draw(claim, &record(claim, 1.0, "x", &[]), Ok(&None));
    assert!(empty.contains("Python: not measured"), "{empty}");
}
