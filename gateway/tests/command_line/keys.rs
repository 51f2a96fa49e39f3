//! `doorbuster keys`, a server that looks at them, and commands that prove one.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::{Serving, binary, fails, folder, hang_up, run, write};

/// Makes a key, and gives what was printed of it.
fn create(place: &Path, arguments: &[&str]) -> String {
    let (code, said, complained) =
        run(place, &[&["keys", "create"][..], arguments, &["--data", "data"]].concat());
    assert_eq!(code, 0, "{complained}");
    assert_eq!(said.lines().count(), 1, "the key alone, so that it can be sent into a file: {said}");
    assert!(
        complained.starts_with("doorbuster: made key ") && complained.contains("it is shown this once"),
        "{complained}"
    );
    said.trim().to_owned()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is there");
}

/// Exit code, standard output and standard error of a command with a key in its environment.
fn with_key(place: &Path, key: &str, arguments: &[&str]) -> (i32, String, String) {
    let output = binary(place).env("DOORBUSTER_KEY", key).args(arguments).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().expect("no signal ended it"), text(output.stdout), text(output.stderr))
}

#[test]
fn keys_are_made_listed_rotated_and_revoked() {
    let place = folder();
    let place = place.path();
    let (code, said, _) = run(place, &["keys", "list", "--data", "data"]);
    assert_eq!(
        (code, said.as_str()),
        (0, "no keys in data/keys.json: everything is open to whoever reaches the ports\n")
    );
    let shop = create(place, &["shop", "--role", "storefront", "--channel", "2", "--channel", "1"]);
    assert!(shop.starts_with("dbk_") && shop.len() == 68, "{shop}");
    create(place, &["eyes", "--role", "observer", "--expires", "90d"]);
    let file = place.join("data/keys.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&shop[4..]), "its hash alone is kept");
    let list = |more: &[&str]| run(place, &[&["keys", "list", "--data", "data"][..], more].concat()).1;
    let said = list(&[]);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("shop  storefront  counts  channels 1, 2  made 20"), "{said}");
    assert!(
        lines[1].starts_with("eyes  observer  counts  made 20") && lines[1].contains("  ends 20"),
        "{said}"
    );
    let (code, rotated, complained) = run(place, &["keys", "rotate", "shop", "--data", "data"]);
    assert!(
        code == 0 && rotated.trim() != shop && complained.contains("the old one counts until 20"),
        "{complained}"
    );
    assert!(list(&[]).lines().next().unwrap().ends_with("  2 secrets count"));
    let (_, _, complained) = run(place, &["keys", "rotate", "shop", "--overlap", "0s", "--data", "data"]);
    assert!(complained.ends_with("the old one counts no more\n"), "{complained}");
    let (code, said, _) = run(place, &["keys", "revoke", "shop", "--keys", "data/keys.json"]);
    assert_eq!((code, said.as_str()), (0, "key shop counts no more\n"));
    assert!(list(&[]).starts_with("shop  storefront  revoked  channels 1, 2"));
    let document: Value = serde_json::from_str(&list(&["--json"])).unwrap();
    let states: Vec<&str> =
        document["keys"].as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!((document["schema_version"].as_u64(), states), (Some(1), vec!["revoked", "counts"]));
    let (_, said, complained) =
        run(place, &["keys", "create", "ops", "--role", "operator", "--json", "--data", "data"]);
    let document: Value = serde_json::from_str(&said).unwrap();
    assert!(
        document["key"].as_str().unwrap().starts_with("dbk_") && complained.is_empty(),
        "{said}{complained}"
    );
    write(place, "shop.toml", "[security]\nkeys = \"other.json\"\n[log]\nfolder = \"data\"\n");
    let (_, said, _) = run(place, &["keys", "list", "--config", "shop.toml"]);
    assert!(said.starts_with("no keys in data/other.json"), "{said}");
}

#[test]
fn wishes_that_make_no_sense_are_refused_in_one_line() {
    let place = folder();
    let place = place.path();
    create(place, &["shop", "--role", "storefront"]);
    let at = ["--data", "data"];
    let refused = |arguments: &[&str], code, parts: &[&str]| {
        fails(place, &[&["keys"][..], arguments, &at].concat(), code, parts);
    };
    refused(&["create", "shop", "--role", "feed"], 2, &["there is a key named shop: choose another name"]);
    refused(
        &["create", "x", "--role", "feed", "--channel", "1"],
        2,
        &["a key of the role feed sees all channels"],
    );
    refused(&["rotate", "nobody"], 8, &["there is no key named nobody that counts"]);
    refused(&["revoke", "nobody"], 8, &["`doorbuster keys list` shows them"]);
    for (arguments, part) in [
        (&["create", "a b", "--role", "feed"][..], "1 to 64 letters, digits"),
        (&["create", "x", "--role", "owner"], "there are storefront, feed, operator, observer"),
        (&["create", "x"], "--role"),
        (&["create", "x", "--role", "feed", "--expires", "soon"], "no length of time"),
    ] {
        let (code, said, complained) = run(place, &[&["keys"][..], arguments].concat());
        assert_eq!((code, said.as_str()), (2, ""), "{complained}");
        assert!(complained.contains(part), "{part:?} is not in {complained}");
    }
    mode(&place.join("data/keys.json"), 0o644);
    refused(
        &["list"],
        2,
        &["data/keys.json is open to others than its owner (mode 644): run `chmod 600 data/keys.json`"],
    );
    refused(&["revoke", "shop"], 2, &["is open to others"]);
    write(place, "data/keys.json", "{");
    mode(&place.join("data/keys.json"), 0o600);
    refused(&["create", "y", "--role", "feed"], 2, &["data/keys.json is no list of keys: "]);
}

#[test]
fn a_server_does_not_start_with_keys_that_others_may_read_or_that_are_garbled() {
    let place = folder();
    let place = place.path();
    create(place, &["ops", "--role", "operator"]);
    mode(&place.join("data/keys.json"), 0o640);
    let serve = ["serve", "--data", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    fails(place, &serve, 2, &["data/keys.json is open to others than its owner (mode 640)"]);
    write(place, "data/keys.json", "[]");
    mode(&place.join("data/keys.json"), 0o600);
    fails(place, &serve, 2, &["data/keys.json is no list of keys: ", "put back a copy of it"]);
}

#[test]
fn a_running_server_notices_its_keys_and_commands_prove_theirs() {
    let place = folder();
    let place = place.path();
    let (server, mut told) = Serving::telling(place, &["--data", "data", "--set", "server.log_level=warn"]);
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    let stock = ["stock", "show", "7", "--server", server.address.as_str()];
    let status = ["status", "--admin", admin.as_str()];
    write(place, "stock.csv", "sku,units\n7,3\n");
    let import = ["stock", "import", "stock.csv", "--server", server.address.as_str()];
    assert_eq!(run(place, &import).0, 0, "it is open");
    // The lines of the audit come, whatever the level of the others.
    let ops = create(place, &["ops", "--role", "operator"]);
    told.find("on=\"created ops\"");
    let shop = create(place, &["shop", "--role", "storefront"]);
    told.find("on=\"created shop\"");
    fails(
        place,
        &stock,
        7,
        &["UNAUTHENTICATED", "the server has keys", "give one by --key-file or DOORBUSTER_KEY"],
    );
    fails(place, &import, 7, &["UNAUTHENTICATED", "give one by --key-file or DOORBUSTER_KEY"]);
    fails(place, &status, 7, &["refused: this server has keys", "give one by --key-file or DOORBUSTER_KEY"]);
    assert_eq!(with_key(place, &ops, &stock).0, 0);
    let (code, said, complained) = with_key(place, &ops, &status);
    assert_eq!(code, 0, "{said}{complained}");
    write(place, "shop.key", &format!("{shop}\n"));
    let from_file = |arguments: &[&str]| run(place, &[arguments, &["--key-file", "shop.key"]].concat());
    assert_eq!(from_file(&stock).0, 0);
    let (code, _, complained) = from_file(&["stock", "freeze", "7", "--server", server.address.as_str()]);
    assert_eq!(code, 7);
    assert!(
        complained.contains("FORBIDDEN") && complained.contains("give another by --key-file"),
        "{complained}"
    );
    let (code, _, complained) = from_file(&["feed", "--server", server.address.as_str()]);
    assert!(code == 7 && complained.contains("FORBIDDEN"), "{complained}");
    let (code, _, complained) = from_file(&status);
    assert!(code == 7 && complained.contains("a key of the role storefront may not do this"), "{complained}");
    let wrong = format!("dbk_{}", "0".repeat(64));
    let (code, _, complained) = with_key(place, &wrong, &stock);
    assert!(
        code == 7 && complained.contains("refuses the key: no key that counts is this one"),
        "{complained}"
    );
    let (code, _, complained) = with_key(place, "secret", &stock);
    assert_eq!(code, 2);
    assert!(
        complained.starts_with("doorbuster: DOORBUSTER_KEY: this is no key: a key is dbk_"),
        "{complained}"
    );
    fails(place, &[&stock[..], &["--key-file", "none"]].concat(), 2, &["can't read the key in none: "]);
    write(place, "bad.key", "dbk_12\n");
    fails(place, &[&stock[..], &["--key-file", "bad.key"]].concat(), 2, &["bad.key: this is no key"]);
    let freeze = ["stock", "freeze", "7", "--server", server.address.as_str()];
    assert_eq!(with_key(place, &ops, &freeze).0, 0);
    let line = told.find("on=\"freeze SKU 7\"");
    for part in [" INFO audit: ", "who=\"ops\"", "from=127.0.0.1:", "on=\"freeze SKU 7\"", "outcome=\"OK\""] {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
    assert_eq!(run(place, &["keys", "revoke", "shop", "--data", "data"]).0, 0);
    told.find("on=\"revoked shop\"");
    assert_eq!(from_file(&stock).0, 7);
    // A file that goes bad is told, and changes nothing.
    let file = place.join("data/keys.json");
    mode(&file, 0o644);
    told.find("the keys stay as they were: data/keys.json is open to others than its owner");
    hang_up(&server);
    let line = told.find("the configuration was not reloaded");
    assert!(line.contains("data/keys.json is open to others"), "{line}");
    assert!(told.find("what=\"RELOAD\"").contains("outcome=\"refused\""));
    assert_eq!(with_key(place, &ops, &stock).0, 0);
    mode(&file, 0o600);
    hang_up(&server);
    assert!(told.find("what=\"RELOAD\"").contains("outcome=\"done\""));
    assert_eq!(server.terminate(), Some(0));
}
