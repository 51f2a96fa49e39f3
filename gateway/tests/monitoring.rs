//! What others make of `/metrics`: the alert rules and the dashboard in `config` ask for what is there, and Prometheus's own tool finds
//! nothing wrong with any of it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use doorbuster_client::{Client, PutSku, Reserve};
use doorbuster_gateway::testing::Server;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a server tells after an order and a refusal, to somebody who accepts `accept`: the answer's head and body.
async fn told(accept: &str) -> (String, String) {
    let server = Server::start_with(|setup| setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0))));
    let client = Client::connect(&server.address().to_string()).await.expect("it listens");
    client.put_sku(&PutSku { sku: 1, units: 1, ..PutSku::default() }).await.expect("an answer");
    for user in [1, 2] {
        let wish = Reserve { user, sku: 1, quantity: 1, ..Reserve::default() };
        client.reserve(&wish).await.expect("an answer");
    }
    let mut stream = TcpStream::connect(server.server().admin().expect("it was set up")).expect("it listens");
    stream.write_all(format!("GET /metrics HTTP/1.0\r\nAccept: {accept}\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    server.stop();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// The names of all samples that there may be, those without a sample yet included.
fn names(text: &str) -> BTreeSet<String> {
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    kinds
        .flat_map(|(name, kind)| {
            let endings: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            endings.iter().map(move |ending| format!("{name}{ending}"))
        })
        .collect()
}

/// The names of ours that an expression asks for.
fn asked(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("doorbuster_"))
}

/// The values of a key in a file of alert rules, each on a line of its own.
fn values<'a>(rules: &'a str, key: &str) -> Vec<&'a str> {
    let prefix = format!("{key}: ");
    rules.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(&prefix)).collect()
}

#[tokio::test]
async fn alerts_and_the_dashboard_ask_for_what_is_there() {
    let (_, text) = told("*/*").await;
    let there = names(&text);
    let rules = read("config/prometheus/alerts.yml");
    let dashboard: Value = serde_json::from_str(&read("config/grafana/doorbuster.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let drawn = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let drawn: Vec<&str> = drawn.map(|target| target["expr"].as_str().expect("an expression")).collect();
    assert!(panels.len() > 10 && drawn.len() > panels.len());
    let mut found = 0;
    for expression in values(&rules, "expr").into_iter().chain(drawn) {
        for name in asked(expression) {
            assert!(there.contains(name), "{name}, in {expression}");
            found += 1;
        }
        // The reasons are there before the first refusal, or no alert would see it.
        let reasons =
            expression.split_once("reason=").into_iter().filter_map(|(_, rest)| rest.split('"').nth(1));
        for reason in reasons.filter(|reason| !reason.contains('$')).flat_map(|reasons| reasons.split('|')) {
            assert!(text.contains(&format!("reason=\"{reason}\"")), "{reason}, in {expression}");
        }
    }
    assert!(found > 30, "{found}");
}

#[test]
fn each_alert_names_a_family_and_a_section_to_read() {
    let rules = read("config/prometheus/alerts.yml");
    let alerts = values(&rules, "alert");
    let (sections, labels) = (values(&rules, "runbook"), values(&rules, "labels"));
    assert!(alerts.len() > 10 && alerts.len() == sections.len() && alerts.len() == labels.len());
    for (alert, (section, labels)) in alerts.iter().zip(sections.iter().zip(&labels)) {
        let (page, anchor) = section.split_once('#').unwrap_or_else(|| panic!("{alert}: {section}"));
        let headings = read(page);
        let anchors = headings.lines().filter(|line| line.starts_with('#')).map(|line| {
            line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace([',', ':', '`'], "")
        });
        assert!(anchors.into_iter().any(|known| known == anchor), "{alert}: there is no {section}");
        let families = ["family: stability}", "family: price}", "family: logistics}"];
        assert!(families.iter().any(|family| labels.ends_with(family)), "{alert}: {labels}");
    }
    let names: BTreeSet<_> = alerts.iter().collect();
    assert_eq!(names.len(), alerts.len(), "two alerts have one name");
}

#[tokio::test]
async fn who_asks_for_open_metrics_gets_it_and_others_get_the_older_format() {
    let (head, body) = told("application/openmetrics-text;version=1.0.0,text/plain;q=0.5").await;
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.contains("# TYPE doorbuster_refusals counter\n") && body.ends_with("# EOF\n"));
    let (head, body) = told("text/plain").await;
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("# TYPE doorbuster_refusals_total counter\n") && !body.contains("# EOF"));
    let refused = "doorbuster_refusals_total{reason=\"SOLD_OUT\",class=\"LATER\"} 1\n";
    assert!(body.contains(refused), "{body}");
}

#[tokio::test]
async fn prometheus_finds_nothing_wrong() {
    let (_, metrics) = told("text/plain").await;
    let promtool = |arguments: &[&str], input: &str| {
        let (pipe, quiet) = (Stdio::piped, Stdio::null);
        let mut child = Command::new("promtool")
            .args(arguments)
            .current_dir(root())
            .stdin(pipe())
            .stdout(quiet())
            .stderr(pipe())
            .spawn()?;
        child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())).transpose()?;
        child.wait_with_output()
    };
    match promtool(&["check", "metrics"], &metrics) {
        Ok(said) => {
            let complaints = String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success() && complaints.is_empty(), "{}: {complaints}", said.status);
        }
        Err(error) => {
            assert!(
                std::env::var_os("DOORBUSTER_ALL_TOOLS").is_none(),
                "promtool: {error}; it is in Debian's prometheus"
            );
            println!("NOT TESTED with promtool: {error}; it is in Debian's prometheus");
            return;
        }
    }
    for (what, file) in
        [("rules", "config/prometheus/alerts.yml"), ("config", "config/prometheus/prometheus.yml")]
    {
        let said = promtool(&["check", what, file], "").expect("it ran before");
        assert!(said.status.success(), "{file}: {}", String::from_utf8_lossy(&said.stderr));
    }
}
