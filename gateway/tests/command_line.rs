//! The real binary: what it prints, what it exits with, and that what is wrong is said in one line.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use doorbuster_client::{Client, Outcome, ReadOrder, Reserve};

/// Variables that would change what the binary does.
const VARIABLES: [&str; 8] = [
    "DOORBUSTER_CONFIG",
    "DOORBUSTER_LISTEN",
    "DOORBUSTER_ADMIN",
    "DOORBUSTER_DATA",
    "DOORBUSTER_DURABILITY",
    "DOORBUSTER_SHARDS",
    "DOORBUSTER_REACTORS",
    "DOORBUSTER_LOG",
];

const FREE_PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];

fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorbuster"));
    command.current_dir(folder).stdin(Stdio::null());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Exit code, standard output and standard error of a command that ends by itself.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = binary(folder).args(arguments).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().expect("no signal ended it"), text(output.stdout), text(output.stderr))
}

/// The command fails with this code and one line that holds all of these.
fn fails(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let (found, said, complained) = run(folder, arguments);
    assert_eq!((found, said.as_str()), (code, ""), "{arguments:?}: {complained}");
    assert_eq!(complained.lines().count(), 1, "{complained}");
    assert!(complained.starts_with("doorbuster: "), "{complained}");
    for part in parts {
        assert!(complained.contains(part), "{part:?} is not in {complained}");
    }
}

/// A server that is killed when its test ends early.
struct Serving {
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
    ready: serde_json::Value,
}

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = binary(folder)
            .args(["serve", "--ready-line"])
            .args(FREE_PORTS)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it says when it is ready");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("the ready line is JSON");
        let address = ready["listen"].as_str().expect("it says where it listens").to_owned();
        Self { process, output, address, ready }
    }

    /// Sends SIGTERM and gives the exit code.
    fn terminate(mut self) -> Option<i32> {
        terminate(&self.process);
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("its output ends with it");
        self.process.wait().expect("it can be waited for").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn terminate(process: &Child) {
    let kill = format!("kill -TERM {}", process.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("there is a shell").success());
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("there is room for temporary files");
}

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(future)
}

#[test]
fn help_lists_the_exit_codes() {
    let place = folder();
    let (code, said, complained) = run(place.path(), &["--help"]);
    assert_eq!((code, complained.as_str()), (0, ""));
    for line in [
        "  0  done",
        "  1  a fault in doorbuster",
        "  2  wrong usage",
        "  3  an address",
        "  4  the data folder",
        "  5  the log is damaged",
        "  6  the log failed",
        "  7  the server could not be reached",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    for command in [&["serve", "--help"][..], &["stock", "import", "--help"], &["--version"]] {
        assert_eq!(run(place.path(), command).0, 0, "{command:?}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_names_what_is_wrong() {
    let place = folder();
    for (arguments, part) in [
        (&["serve", "--prot", "1"][..], "--prot"),
        (&["serve", "--listen", "everywhere"], "everywhere"),
        (&["serve", "--durability", "sometimes"], "sometimes"),
        (&["serve", "--dev", "--data", "x"], "--data"),
        (&["sell"], "sell"),
        (&["stock", "import"], "FILE"),
        (&[], "Usage"),
    ] {
        let (code, said, complained) = run(place.path(), arguments);
        assert_eq!((code, said.as_str()), (2, ""), "{arguments:?}");
        assert!(complained.contains(part), "{arguments:?}: {complained}");
    }
    fails(place.path(), &["serve", "--shards", "65"], 2, &["server.shards = 65", "0 (automatic) to 64"]);
    assert!(!place.path().join("doorbuster-data").exists(), "nothing was made");
}

#[test]
fn a_wrong_configuration_is_said_in_one_line_with_its_place() {
    let place = folder();
    for (text, parts) in [
        ("[server]\nport = 1\n", &["shop.toml, line 2, column 1", "unknown field `port`"][..]),
        ("[server]\nlisten = 7700\n", &["shop.toml, line 2, column 10", "invalid type: integer `7700`"]),
        (
            "[log]\ninterval_ms = 0\n",
            &["shop.toml, line 2, column 1", "log.interval_ms = 0", "1 to 60,000 ms"],
        ),
        ("[log\n", &["shop.toml, line 1, column 5"]),
    ] {
        write(place.path(), "shop.toml", text);
        fails(place.path(), &["serve", "--config", "shop.toml"], 2, parts);
    }
    fails(place.path(), &["serve", "--config", "none.toml"], 2, &["can't read none.toml"]);
    assert!(!place.path().join("doorbuster-data").exists(), "nothing was made");
}

#[test]
fn a_data_folder_serves_one_process_at_a_time() {
    let place = folder();
    let first = Serving::start(place.path(), &["--data", "data"]);
    let mut arguments = vec!["serve", "--data", "data"];
    arguments.extend(FREE_PORTS);
    fails(place.path(), &arguments, 4, &["can't lock data folder data", "another process uses it"]);
    assert_eq!(first.terminate(), Some(0));
}

#[test]
fn a_foreign_a_newer_and_a_damaged_folder_are_refused_and_left_alone() {
    let place = folder();
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut arguments = vec!["serve", "--data", "data"];
    arguments.extend(FREE_PORTS);

    write(&data, "letters.txt", "dear aunt");
    fails(place.path(), &arguments, 4, &["\"letters.txt\"", "choose an empty or new folder"]);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "nothing was added");
    std::fs::remove_file(data.join("letters.txt")).unwrap();

    // A manifest of version 2; the checksum was computed by hand.
    let covered = "doorbuster data folder\nversion 2\nlog 00000000000000000000000000000077\nsegment 3\n";
    let newer = format!("{covered}checksum {:08x}\n", crc32c(covered.as_bytes()));
    write(&data, "MANIFEST", &newer);
    fails(place.path(), &arguments, 4, &["data/MANIFEST", "format version 2", "use a newer build"]);
    assert_eq!(std::fs::read_to_string(data.join("MANIFEST")).unwrap(), newer);

    write(&data, "MANIFEST", &newer.replace("segment 3", "segment 4"));
    fails(place.path(), &arguments, 4, &["data/MANIFEST", "checksum does not match", "backup"]);
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn a_damaged_log_is_refused_with_segment_and_offset_and_left_alone() {
    let place = folder();
    let server = Serving::start(place.path(), &["--data", "data"]);
    for sku in 0..8 {
        write(place.path(), "one.csv", &format!("sku,units\n{sku},10\n"));
        assert_eq!(run(place.path(), &["stock", "import", "one.csv", "--server", &server.address]).0, 0);
    }
    assert_eq!(server.terminate(), Some(0));

    // The second block of the oldest segment that has one: blocks start every 4 KiB, and later ones prove it durable.
    let mut names: Vec<_> =
        std::fs::read_dir(place.path().join("data")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let used = |bytes: &[u8]| {
        bytes.len() > 12_288 && bytes[4_096..4_112] != [0; 16] && bytes[8_192..8_208] != [0; 16]
    };
    let segment =
        names.into_iter().find(|name| used(&std::fs::read(name).unwrap())).expect("the log has blocks");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[4_096 + 70] ^= 0x10;
    std::fs::write(&segment, &bytes).unwrap();

    let mut arguments = vec!["serve", "--data", "data"];
    arguments.extend(FREE_PORTS);
    let name = segment.file_name().unwrap().to_string_lossy().into_owned();
    fails(place.path(), &arguments, 5, &[&name, "at offset 4096", "backup"]);
    assert_eq!(std::fs::read(&segment).unwrap(), bytes, "nothing was changed");
}

#[test]
fn a_port_in_use_is_said_with_its_address() {
    let place = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let on = format!("can't listen on {address}");
    fails(
        place.path(),
        &["serve", "--listen", &address, "--admin", "127.0.0.1:0"],
        3,
        &[&on, "choose another address"],
    );
    fails(
        place.path(),
        &["serve", "--listen", "127.0.0.1:0", "--admin", &address],
        3,
        &[&on, "choose another address"],
    );
}

#[test]
fn serve_needs_no_file_and_no_flag_but_ports() {
    let place = folder();
    let mut process = binary(place.path())
        .arg("serve")
        .args(FREE_PORTS)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut lines = [String::new(), String::new()];
    for line in &mut lines {
        output.read_line(line).unwrap();
    }
    assert!(
        lines[0].starts_with("doorbuster ") && lines[0].contains(" listens on 127.0.0.1:"),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains("admin on http://127.0.0.1:"), "{}", lines[0]);
    assert!(
        lines[1].starts_with("data in doorbuster-data, durability always; recovered 0 events"),
        "{}",
        lines[1]
    );
    assert!(place.path().join("doorbuster-data/MANIFEST").exists());
    terminate(&process);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "stopped in good order\n");
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn flags_override_the_file() {
    let place = folder();
    write(place.path(), "shop.toml", "[log]\ndurability = \"none\"\nfolder = \"elsewhere\"\n");
    let server = Serving::start(place.path(), &["--config", "shop.toml", "--data", "here"]);
    assert_eq!((&server.ready["durability"], &server.ready["data"]), (&"none".into(), &"here".into()));
    assert_eq!(server.terminate(), Some(0));
    assert!(place.path().join("here").exists() && !place.path().join("elsewhere").exists());
}

#[test]
fn what_was_sold_is_there_after_a_stop_and_a_start() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n1,10\n");
    let server = Serving::start(place.path(), &[]);
    assert_eq!(run(place.path(), &["stock", "import", "stock.csv", "--server", &server.address]).0, 0);
    let wish = Reserve { user: 7, sku: 1, quantity: 3, ..Reserve::default() };
    let hold = block_on(async {
        let client = Client::connect(&server.address).await.unwrap();
        client.reserve(&wish).await.unwrap().done().unwrap()
    });
    assert_eq!(server.terminate(), Some(0));

    let server = Serving::start(place.path(), &[]);
    block_on(async {
        let client = Client::connect(&server.address).await.unwrap();
        let stock = client.read_stock(1).await.unwrap().done().unwrap();
        assert_eq!((stock.available, stock.held), (7, 3));
        let order = client.read_order(&ReadOrder { order: hold.order, user: 7 }).await.unwrap();
        assert!(matches!(order, Outcome::Done(order) if order.quantity == 3));
    });
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn stock_is_imported_checked_and_reported() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let import = |file: &str, more: &[&str]| {
        let mut arguments = vec!["stock", "import", file, "--server", &server.address];
        arguments.extend(more);
        run(place.path(), &arguments)
    };
    write(place.path(), "a.csv", "sku,units,user_limit\n1,10,2\n2,20,0\n");
    write(place.path(), "b.jsonl", "{\"sku\":2,\"units\":20}\n{\"sku\":3,\"units\":30,\"order_limit\":1}\n");

    let (code, said, complained) = import("a.csv", &["--dry-run"]);
    assert_eq!((code, complained.as_str()), (0, ""));
    assert_eq!(said, "a.csv: 2 SKUs, no fault; nothing was sent (--dry-run)\n");

    let json = |said: &str| {
        let mut report: serde_json::Value = serde_json::from_str(said).expect("one object");
        let elapsed = report.as_object_mut().and_then(|report| report.remove("elapsed_ms"));
        assert!(elapsed.is_some_and(|elapsed| elapsed.is_u64()));
        report
    };
    let (code, said, _) = import("a.csv", &["--json"]);
    let expected = serde_json::json!({
        "schema_version": 1, "dry_run": false, "skus": 2, "set_up": 2, "unchanged": 0, "refused": [],
    });
    assert_eq!((code, json(&said)), (0, expected), "the dry run had set nothing up");

    let (code, said, _) = import("b.jsonl", &[]);
    assert_eq!(code, 0);
    assert!(said.starts_with("b.jsonl: 1 set up, 1 unchanged, 0 refused, in "), "{said}");

    // What is set up otherwise is refused and named; the others go on.
    write(place.path(), "c.csv", "sku,units\n1,11\n4,40\n");
    let (code, said, _) = import("c.csv", &["--json"]);
    let refused =
        serde_json::json!([{ "line": 2, "sku": 1, "why": "is set up already with another user_limit" }]);
    let report = json(&said);
    assert_eq!((code, &report["set_up"], &report["refused"]), (7, &1.into(), &refused));
    let (code, said, _) = import("c.csv", &[]);
    assert_eq!(code, 7);
    assert!(said.contains("c.csv, line 2: SKU 1: is set up already with another user_limit\n"), "{said}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_faulty_stock_file_is_refused_line_by_line_before_anything_is_sent() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    for (name, text, lines) in [
        (
            "a.csv",
            "sku,units\n1,10\nx,1\n1,5\n",
            &["a.csv, line 3: ", "a.csv, line 4: SKU 1 stands on line 2 already"][..],
        ),
        ("b.jsonl", "{\"sku\":1,\"units\":1}\n{\"sku\":2}\n", &["b.jsonl, line 2: missing field `units`"]),
        ("c.csv", "id,units\n1,2\n", &["c.csv, line 1: the header must name the columns sku and units"]),
        ("d.xlsx", "", &["the name must end in .csv or .jsonl"]),
    ] {
        write(place.path(), name, text);
        for more in [&[][..], &["--dry-run"]] {
            let mut arguments = vec!["stock", "import", name, "--server", &server.address];
            arguments.extend(more);
            let (code, said, complained) = run(place.path(), &arguments);
            assert_eq!((code, said.as_str()), (2, ""), "{name}: {complained}");
            for line in lines {
                assert!(complained.contains(line), "{line:?} is not in {complained}");
            }
        }
    }
    let totals = block_on(async { Client::connect(&server.address).await.unwrap().status().await.unwrap() });
    assert_eq!(totals.skus, 0);
    fails(place.path(), &["stock", "import", "none.csv"], 2, &["can't read none.csv"]);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn an_import_without_a_server_says_where_it_looked() {
    let place = folder();
    write(place.path(), "a.csv", "sku,units\n1,10\n");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    fails(
        place.path(),
        &["stock", "import", "a.csv", "--server", &free],
        7,
        &[&format!("can't import into {free}"), "is `doorbuster serve` running there?"],
    );
}

#[test]
fn dev_serves_three_skus_and_leaves_nothing_behind() {
    let place = folder();
    let mut process = binary(place.path())
        .args(["serve", "--dev"])
        .args(FREE_PORTS)
        .env("TMPDIR", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let greeting = lines.next().unwrap().unwrap();
    let address = greeting.split(" listens on ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let last = "The data is thrown away when this server stops (Ctrl-C).";
    let said: Vec<String> = lines.by_ref().map(Result::unwrap).take_while(|line| line != last).collect();
    assert!(said.iter().any(|line| line.contains(&format!("docs/examples/client.py {address}"))), "{said:?}");
    let totals = block_on(async { Client::connect(address).await.unwrap().status().await.unwrap() });
    assert_eq!((totals.skus, totals.throwaway), (3, 1));
    terminate(&process);
    assert_eq!(lines.map(Result::unwrap).collect::<Vec<_>>(), ["stopped in good order"]);
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "the temporary folder is gone");
}
