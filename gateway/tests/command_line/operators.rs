//! `status`, `top`, `doctor` and `completions`: what operators look at.

use std::net::TcpListener;

use crate::{Serving, binary, fails, folder, run, write};

/// A server with an order or two.
fn serving(place: &std::path::Path) -> (Serving, String) {
    write(place, "stock.csv", "sku,units\n7,3\n");
    let server = Serving::start(place, &["--shards", "1", "--reactors", "1"]);
    let at = ["--server", server.address.as_str()];
    assert_eq!(run(place, &[&["stock", "import", "stock.csv"][..], &at].concat()).0, 0);
    for user in ["1", "2", "3"] {
        let reserve = ["order", "reserve", "--sku", "7", "--quantity", "2", "--user", user];
        drop(run(place, &[&reserve[..], &at].concat()));
    }
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    (server, admin)
}

#[test]
fn status_says_on_one_screen_how_a_server_does() {
    let place = folder();
    let (server, admin) = serving(place.path());
    let (code, said, complained) = run(place.path(), &["status", "--admin", &admin]);
    assert_eq!((code, complained.as_str()), (0, ""));
    let lines: Vec<&str> = said.lines().collect();
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split("  ").next()).map(str::trim).collect();
    assert_eq!(
        names,
        ["server", "log", "stock", "orders", "load", "answers", "breakers", "alarms"],
        "{said}"
    );
    assert!(lines[0].ends_with(&format!(" on {admin}: ready")), "{said}");
    assert_eq!(lines[2], "stock     1 SKUs: 1 units available, 2 held, 0 sold");
    assert_eq!(lines[3], "orders    1 in memory: 1 open holds, 0 waiting");
    assert_eq!(lines[5], "answers   2 INSUFFICIENT, 2 OK", "one OK is the import's");
    assert_eq!((lines[6], lines[7]), ("breakers  all closed", "alarms    none"));

    let (code, _, _) =
        run(place.path(), &["breaker", "set", "forced-open", "--class", "reserve", "--admin", &admin]);
    assert_eq!(code, 0);
    let (_, said, _) = run(place.path(), &["status", "--admin", &admin]);
    assert!(said.contains("breakers  shard-0 reserve FORCED_OPEN, desk reserve FORCED_OPEN"), "{said}");
    let (code, said, _) = run(place.path(), &["status", "--json", "--admin", &admin]);
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &document["ready"], &document["units"]["held"]), (0, &true.into(), &2.0.into()));
    assert_eq!(document["breakers_not_closed"][0]["state"], "FORCED_OPEN");
    assert_eq!(server.terminate(), Some(0));
    fails(
        place.path(),
        &["status", "--admin", &admin],
        7,
        &["can't reach the admin port", "doorbuster serve"],
    );
    fails(place.path(), &["top", "--admin", &admin], 7, &["can't reach the admin port", "doorbuster serve"]);
}

#[test]
fn top_prints_one_frame_where_there_is_no_terminal() {
    let place = folder();
    let (server, admin) = serving(place.path());
    let (code, said, complained) = run(place.path(), &["top", "--admin", &admin]);
    assert_eq!((code, complained.as_str()), (0, ""));
    assert!(said.lines().count() <= 24 && said.lines().all(|line| line.chars().count() <= 80), "{said}");
    assert!(!said.contains('\x1b'), "{said}");
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][2..], [admin.as_str(), "ready"]);
    assert_eq!(rows[8], ["operation", "answer", "a", "second", "in", "all", "p50", "p99"]);
    assert!(rows[9..].iter().any(|row| row.first() == Some(&"RESERVE")), "{said}");
    let (code, said, _) = run(place.path(), &["top", "--json", "--admin", &admin]);
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &document["state"]), (0, &"ready".into()));
    assert_eq!(server.terminate(), Some(0));
}

/// Runs a program on a terminal of its own, and sends it a signal once it has drawn a frame. Prints its exit code, whether the
/// terminal is what it was, and whether the screen was left: it reads until the terminal's other end is closed, since what was
/// written comes in pieces.
const ON_A_TERMINAL: &str = r#"
import os, pty, signal, sys, termios
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.close(master)
    os.setsid()
    for descriptor in (0, 1, 2):
        os.dup2(slave, descriptor)
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while b"operation" not in seen:
    seen += os.read(master, 65536)
os.kill(child, getattr(signal, sys.argv[1]))
_, status = os.waitpid(child, 0)
restored = termios.tcgetattr(slave) == before
os.close(slave)
left = b""
try:
    while piece := os.read(master, 65536):
        left += piece
except OSError:
    pass
print(os.waitstatus_to_exitcode(status), restored, b"\x1b[?1049l" in left)
"#;

#[test]
fn top_gives_the_terminal_back_when_a_signal_ends_it() {
    let place = folder();
    let (server, admin) = serving(place.path());
    for signal in ["SIGTERM", "SIGINT", "SIGHUP"] {
        let output = std::process::Command::new("python3")
            .args(["-c", ON_A_TERMINAL, signal, env!("CARGO_BIN_EXE_doorbuster"), "top", "--admin", &admin])
            .output()
            .expect("python3 runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, "0 True True\n", "{signal}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_doctor_looks_at_everything_and_names_a_port_that_is_taken() {
    let place = folder();
    let free = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", "data"];
    let doctor = |more: &[&str]| run(place.path(), &[&["doctor", "--json"], &free[..], more].concat());
    let (_, said, complained) = doctor(&[]);
    assert_eq!(complained, "");
    let document: serde_json::Value = serde_json::from_str(&said).unwrap();
    let checks: Vec<&str> =
        document["checks"].as_array().unwrap().iter().filter_map(|check| check["check"].as_str()).collect();
    let expected = [
        "disk sync",
        "disk space",
        "open files",
        "processors",
        "clock steps",
        "clock sync",
        "port",
        "port admin",
    ];
    assert_eq!(checks, expected);
    assert!(!place.path().join("data").exists(), "nothing was made");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "and nothing is left");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said, _) = run(
        place.path(),
        &[
            "doctor",
            "--listen",
            "127.0.0.1:0",
            "--resp",
            &address,
            "--admin",
            "127.0.0.1:0",
            "--data",
            "data",
        ],
    );
    assert_eq!(code, 1, "{said}");
    let line = format!("FAIL  port redis   {address} is in use (server.resp)");
    let lines: Vec<&str> = said.lines().collect();
    let at =
        lines.iter().position(|found| **found == line).unwrap_or_else(|| panic!("{line} is not in {said}"));
    assert!(lines[at + 1].trim_start().starts_with("-> is a server running already? `ss -ltnp"), "{said}");
    assert!(
        lines.last().is_some_and(|last| last.starts_with("9 checks: ") && last.ends_with(" 1 failed")),
        "{said}"
    );
    let (code, _, complained) = doctor(&["--set", "server.shards=65"]);
    assert_eq!((code, complained.contains("server.shards = 65")), (2, true));
}

#[test]
fn completions_know_every_command() {
    let place = folder();
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, complained) = run(place.path(), &["completions", shell]);
        assert_eq!((code, complained.as_str()), (0, ""));
        for word in ["breaker", "doctor", "completions", "admin"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let (code, script, _) = run(place.path(), &["completions", "bash"]);
    write(place.path(), "doorbuster.bash", &script);
    assert_eq!(code, 0);
    // Bash itself completes the word that is being typed.
    let line = "source ./doorbuster.bash; COMP_WORDS=(doorbuster brea); COMP_CWORD=1; _doorbuster doorbuster brea doorbuster; echo ${COMPREPLY[@]}";
    let output =
        std::process::Command::new("bash").current_dir(place.path()).args(["-c", line]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "breaker\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_supervisor_is_told_when_the_server_serves_and_when_it_stops() {
    let place = folder();
    let inbox = std::os::unix::net::UnixDatagram::bind(place.path().join("notify")).unwrap();
    let mut process = binary(place.path())
        .args(["serve", "--ready-line", "--data", "data"])
        .args(crate::FREE_PORTS)
        .env("NOTIFY_SOCKET", place.path().join("notify"))
        .env("WATCHDOG_USEC", "1000")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let told = || {
        let mut text = [0; 128];
        let length = inbox.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    assert_eq!(told(), "READY=1\nSTATUS=serving");
    assert_eq!([told(), told()], ["WATCHDOG=1", "WATCHDOG=1"]);
    crate::terminate(&process);
    let last = std::iter::repeat_with(told).find(|told| told != "WATCHDOG=1");
    assert!(last.is_some_and(|told| told.starts_with("STOPPING=1\n")));
    assert_eq!(process.wait().unwrap().code(), Some(0));
}
