//! `doorbuster-drill knee` as a user runs it, against a server of its own.

use crate::program;

#[test]
fn knee_draws_what_the_server_does_at_multiples_of_a_peak() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("report");
    let ended = program::run(&[
        "knee",
        "--peak",
        "500",
        "--times",
        "1,2",
        "--policy",
        "shed,none",
        "--seconds",
        "1",
        "--repeat",
        "1",
        "--connections",
        "4",
        "--credits",
        "--report",
        report.to_str().expect("a name in UTF-8"),
    ]);
    // A busy machine makes the generator late, which is said and has an exit code of its own.
    assert!([0, 5].contains(&ended.code), "{ended:?}");
    assert!(ended.stdout.contains("peak: 500/s (given)"), "{}", ended.stdout);
    let text = std::fs::read_to_string(report.join("curve.json")).expect("the curve as JSON");
    let curve: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let points = curve["points"].as_array().expect("points");
    let kinds: Vec<(&str, f64)> = points
        .iter()
        .map(|point| (point["policy"].as_str().expect("a name"), point["times"].as_f64().expect("a number")))
        .collect();
    assert_eq!(kinds, [("shed", 1.0), ("shed", 2.0), ("none", 1.0), ("none", 2.0)]);
    for point in points {
        assert!(point["offered_per_second"].as_f64().expect("a number") > 300.0, "{point}");
    }
    let picture = std::fs::read_to_string(report.join("curve.svg")).expect("the picture");
    assert!(picture.starts_with("<svg") && picture.contains("times the peak"));
}
