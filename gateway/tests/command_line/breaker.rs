//! `breaker`: circuit breakers are shown, forced open and released by hand.

use crate::{Serving, fails, folder, run, write};

#[test]
fn a_breaker_is_shown_forced_open_and_released() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n7,3\n");
    let server = Serving::start(place.path(), &["--throwaway", "--shards", "2"]);
    let at = ["--server", server.address.as_str()];
    let admin = ["--admin", server.ready["admin"].as_str().unwrap()];
    assert_eq!(run(place.path(), &[&["stock", "import", "stock.csv"][..], &at].concat()).0, 0);

    let (code, said, complained) = run(place.path(), &[&["breaker", "show"][..], &admin].concat());
    assert_eq!((code, complained.as_str(), said.lines().count()), (0, "", 1 + 3 * 3 + 1));
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().take(4).collect()).collect();
    assert_eq!(rows[0], ["scope", "class", "state", "mode"]);
    for row in [["shard-0", "reserve", "CLOSED", "automatic"], ["log", "reserve", "CLOSED", "automatic"]] {
        assert!(rows.iter().any(|found| *found == row), "{row:?} is not in {said}");
    }

    let set = |arguments: &[&str]| -> serde_json::Value {
        let all = [&["breaker"], arguments, &admin, &["--json"]].concat();
        let (code, said, complained) = run(place.path(), &all);
        assert_eq!((code, complained.as_str()), (0, ""), "{arguments:?}: {said}");
        serde_json::from_str(&said).unwrap()
    };
    let forced = set(&["set", "forced-open", "--scope", "log", "--class", "reserve"]);
    assert_eq!(forced["breakers"][9]["state"], "FORCED_OPEN");
    let reserve = [&["order", "reserve", "--user", "1", "--sku", "7"][..], &at].concat();
    fails(place.path(), &reserve, 7, &["refused: BREAKER_OPEN: "]);
    let released = set(&["set", "automatic"]);
    assert_eq!(released["breakers"][9]["state"], "HALF_OPEN");
    assert_eq!(run(place.path(), &reserve).0, 0);
    let opened = set(&["open", "--class", "reserve"]);
    let states = |report: &serde_json::Value| -> Vec<String> {
        let breakers = report["breakers"].as_array().unwrap().iter();
        let reserve = breakers.filter(|breaker| breaker["class"] == "reserve");
        reserve.map(|breaker| breaker["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&opened), ["FORCED_OPEN"; 4], "two shards, the desk and the log");
    assert_eq!(states(&set(&["release"])), ["HALF_OPEN"; 4]);

    let wrong = ["breaker", "set", "disabled", "--scope", "shard-9"];
    let parts = ["refused: no such scope: shard-9; there are shard-0, shard-1, desk, log"];
    fails(place.path(), &[&wrong[..], &admin].concat(), 7, &parts);
    let (code, _, complained) = run(place.path(), &["breaker", "set", "closed"]);
    assert_eq!(code, 2);
    assert!(complained.contains("forced-open"), "{complained}");
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    assert_eq!(server.terminate(), Some(0));
    let parts = ["can't reach the admin port", "is `doorbuster serve` running there?"];
    fails(place.path(), &["breaker", "show", "--admin", &admin], 7, &parts);
}
