//! Drills of a server that has keys and a certificate.

#[path = "../../../gateway/tests/tls/papers.rs"]
mod papers;

use std::path::{Path, PathBuf};
use std::process::Command;

use papers::Authority;
use tempfile::TempDir;

use crate::program::{self, Ended, PROGRAM, Serving, scenario};
use crate::{broken, of_check, report};

/// A second of attacks, beside the shoppers.
const ATTACK: &str =
    "\n[attack]\nat_seconds = 0.2\nseconds = 1\nconnections_per_second = 60\nslow_connections = 4\n";

/// A server that encrypts and has keys.
struct World {
    serving: Serving,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let authority = Authority::new("ours");
        let (certificate, key) = authority.sign(&["127.0.0.1"]).write(path, "server");
        std::fs::write(path.join("ca.pem"), authority.pem()).expect("written");
        std::fs::write(path.join("sale.toml"), scenario(|text| text + ATTACK)).expect("written");
        for role in ["operator", "storefront", "observer"] {
            std::fs::write(path.join(role), new_key(path, role)).expect("written");
        }
        let (certificate, key) = (certificate.display(), key.display());
        let tls =
            format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n[overload]\nbacklog_us = 0\n");
        Self { serving: Serving::start_with(path, &tls), folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a plain path").to_owned()
    }

    fn key(&self, role: &str) -> String {
        std::fs::read_to_string(self.file(role)).expect("a key").trim().to_owned()
    }

    /// Drills it by who has the key of a role; `""`: by who has none.
    fn drill(&self, role: &str, arguments: &[&str]) -> Ended {
        let key = if role.is_empty() { String::new() } else { self.key(role) };
        let (sale, report) = (self.file("sale.toml"), self.file("report"));
        let whole = ["run", &sale, "--report", &report, "--target", &self.serving.address];
        program::run_as(&key, &[&whole, arguments].concat())
    }

    fn report(&self) -> PathBuf {
        self.folder.path().join("report")
    }
}

/// Makes a key for the server whose data lies in this folder.
fn new_key(folder: &Path, role: &str) -> Vec<u8> {
    let mut command = Command::new(PROGRAM);
    command.args(["__doorbuster", "keys", "create", role, "--role", role, "--data"]);
    let made = command.arg(folder.join("data")).output().expect("it starts");
    assert!(made.status.success(), "{made:?}");
    made.stdout
}

/// Ends with this code and one line that has these words.
fn fails(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for words in words {
        assert!(ended.stderr.contains(words), "{words} is missing in {}", ended.stderr);
    }
}

#[test]
fn a_protected_server_is_rehearsed_by_who_trusts_it_and_has_an_operators_key() {
    let world = World::new();
    let ended = world.drill("operator", &["--tls-ca", &world.file("ca.pem")]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("OVERSOLD 0 · LOST 0 · goodput "), "{}", ended.stdout);
    assert!(ended.stdout.contains(&format!("the server at {}, encrypted", world.serving.address)));
    let report = report(&world.report());
    for check in ["answers", "counts", "orders", "holds", "stock", "limits", "payments", "attack"] {
        assert_eq!(broken(&report, check), 0, "{check}");
    }
    assert!(of_check(&report, "attack", "examined") > 0, "{report:#}");
    assert!(report["stock"]["sold_units"].as_u64().is_some_and(|sold| sold > 0), "{}", report["stock"]);
    let again = world.drill("operator", &["--tls-ca", &world.file("ca.pem")]);
    fails(&again, 2, &["holds 20 SKUs that this drill didn't set up", "--allow-live"]);
}

#[test]
fn saturate_loads_a_protected_server_in_both_loops_beside_a_plain_echo() {
    let world = World::new();
    for loops in [&["--with-echo"][..], &["--rate", "500"]] {
        let (ca, key) = (world.file("ca.pem"), world.file("operator"));
        let short = ["saturate", "--seconds", "0.2", "--repeat", "1", "--skus", "16"];
        let target = ["--target", &world.serving.address, "--tls-ca", &ca, "--key-file", &key];
        let ended = program::run(&[&short[..], &target, loops].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(
            ended.stdout.contains(", encrypted; ") && ended.stdout.contains("median"),
            "{}",
            ended.stdout
        );
    }
}

#[test]
fn who_does_not_encrypt_as_the_server_does_is_told_what_to_do() {
    let world = World::new();
    let address = world.serving.address.as_str();
    let ca = world.file("ca.pem");
    let no_flag = "does it want an encrypted one? give --tls-ca";
    fails(&world.drill("operator", &[]), 6, &["failed to drill the server at ", address, no_flag]);
    let loaded = program::run(&["saturate", "--target", address]);
    assert_eq!(loaded.code, 6, "{loaded:?}");
    assert!(loaded.stderr.contains(&format!("on the server at {address}: ")), "{}", loaded.stderr);
    assert!(loaded.stderr.contains(no_flag), "{}", loaded.stderr);

    std::fs::write(world.file("other.pem"), Authority::new("a stranger's").pem()).expect("written");
    let stranger = world.drill("operator", &["--tls-ca", &world.file("other.pem")]);
    fails(&stranger, 6, &[address, "UnknownIssuer", "--tls-ca names the file with who has signed"]);

    let named = world.drill("operator", &["--tls-ca", &ca, "--tls-name", "sale.example"]);
    fails(&named, 6, &["not valid for name \"sale.example\"", "--tls-name says whom it is for"]);

    let missing = world.drill("operator", &["--tls-ca", &world.file("none.pem")]);
    fails(&missing, 2, &["can't read ", "none.pem: No such file"]);

    let elsewhere = tempfile::tempdir().expect("a folder");
    let plain = Serving::start(elsewhere.path());
    let sale = world.file("sale.toml");
    let secretly = program::run(&["run", &sale, "--target", &plain.address, "--tls-ca", &ca]);
    fails(&secretly, 6, &[&plain.address, "if that port encrypts nothing, leave --tls-ca out"]);
}

#[test]
fn who_has_no_key_or_one_of_another_role_is_told_which_a_drill_needs() {
    let world = World::new();
    let ca = world.file("ca.pem");
    let needs = "a drill's key has the role operator, and comes from --key-file or DOORBUSTER_KEY";
    for (role, words) in [
        ("", "the server has keys: send AUTH with one before READ_STATUS"),
        ("storefront", "key storefront has the role storefront, which may not send READ_STATUS"),
        (
            "observer",
            "failed to set up the drill's stock: the server refused: key observer has the role observer, which may not send PUT_SKU",
        ),
    ] {
        let ended = world.drill(role, &["--tls-ca", &ca]);
        assert_eq!(ended.code, 6, "{ended:?}");
        let line = ended.stderr.lines().last().expect("a line");
        assert!(line.contains(words) && line.ends_with(needs), "{line}");
    }
    let sale = world.file("sale.toml");
    let arguments = ["run", &sale, "--target", &world.serving.address, "--tls-ca", &ca];
    fails(&program::run_as("open sesame", &arguments), 2, &["DOORBUSTER_KEY: "]);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let open = Serving::start(elsewhere.path());
    let ended = program::run_as(&world.key("operator"), &["run", &sale, "--target", &open.address]);
    fails(&ended, 6, &["this server has no keys, and needs none: leave AUTH out", needs]);
}

#[test]
fn a_load_that_the_server_has_no_time_for_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    // Each operation costs a tenth of what may wait.
    let serving = Serving::start_with(folder.path(), "[overload]\nbacklog_us = 1000\nadded_cost_us = 100\n");
    let ended = program::run(&["saturate", "--seconds", "2", "--repeat", "1", "--target", &serving.address]);
    assert_eq!(ended.code, 6, "{ended:?}");
    let words = ["SHED: ", "--set overload.backlog_us=0", "--in-flight, --batch, --rate"];
    assert!(words.iter().all(|words| ended.stderr.contains(words)), "{}", ended.stderr);
}

#[test]
fn a_certificate_means_nothing_to_a_server_of_the_drills_own() {
    let ended = program::run(&["--tls-ca", "ca.pem"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("--tls-ca is about connections to --target"), "{}", ended.stderr);
}
