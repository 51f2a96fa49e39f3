//! The real server with a certificate, and commands that ask it.

#[path = "../tls/papers.rs"]
mod papers;

use std::path::Path;

use papers::Authority;

use crate::{FREE_PORTS, Serving, fails, folder, hang_up, run, write};

const ENCRYPTED: [&str; 4] = ["--set", "tls.certificate=server.pem", "--set", "tls.key=server-key.pem"];

/// A folder with an authority's certificate, and a server's that it has signed.
fn prepared() -> (tempfile::TempDir, Authority) {
    let place = folder();
    let authority = Authority::new("ours");
    authority.sign(&["127.0.0.1"]).write(place.path(), "server");
    write(place.path(), "ca.pem", &authority.pem());
    (place, authority)
}

fn admin(server: &Serving) -> &str {
    server.ready["admin"].as_str().unwrap()
}

/// What a command on the admin port ends with, trusting this file.
fn status(place: &Path, server: &Serving, trusted: &str) -> i32 {
    run(place, &["status", "--admin", admin(server), "--tls-ca", trusted]).0
}

#[test]
fn commands_encrypt_where_they_are_told_whom_to_trust() {
    let (place, _) = prepared();
    let place = place.path();
    let server = Serving::start(place, &ENCRYPTED);
    write(place, "skus.csv", "sku,units\n7,10\n");
    let to = ["--server", server.address.as_str(), "--tls-ca", "ca.pem"];
    for command in [
        &["stock", "import", "skus.csv"][..],
        &["stock", "show", "7"],
        &["order", "reserve", "--user", "1", "--sku", "7", "--quantity", "1"],
        &["feed"],
    ] {
        let arguments = [command, &to].concat();
        let (code, said, complained) = run(place, &arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}{complained}");
    }
    assert_eq!(status(place, &server, "ca.pem"), 0);
    fails(
        place,
        &["stock", "show", "7", "--server", &server.address],
        7,
        &[
            "closed the connection before its greeting (does it want an encrypted one?); is `doorbuster serve` running there?",
        ],
    );
    fails(
        place,
        &["status", "--admin", admin(&server)],
        7,
        &["can't reach the admin port", "it wants an encrypted connection (--tls-ca)"],
    );
    fails(
        place,
        &["stock", "show", "7", "--server", &server.address, "--tls-ca", "none.pem"],
        2,
        &["can't read none.pem: No such file"],
    );
    fails(
        place,
        &["stock", "show", "7", "--server", &server.address, "--tls-ca", "server-key.pem"],
        2,
        &["server-key.pem: no certificate of an authority in PEM there"],
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_renewed_certificate_counts_without_a_restart_and_a_garbled_one_never() {
    let (place, _) = prepared();
    let place = place.path();
    let (server, mut told) = Serving::telling(place, &ENCRYPTED);
    assert_eq!(status(place, &server, "ca.pem"), 0);

    write(place, "server.pem", "nothing");
    hang_up(&server);
    let refused = told.find("was not reloaded");
    assert!(refused.contains("server.pem holds no certificate in PEM"), "{refused}");
    assert_eq!(status(place, &server, "ca.pem"), 0, "what was good stays");

    let another = Authority::new("another");
    another.sign(&["127.0.0.1"]).write(place, "server");
    write(place, "another.pem", &another.pem());
    hang_up(&server);
    told.find("was read again");
    assert_eq!((status(place, &server, "another.pem"), status(place, &server, "ca.pem")), (0, 7));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_server_without_its_certificate_does_not_start() {
    let place = folder();
    let starts = [&["serve"], &FREE_PORTS[..], &ENCRYPTED].concat();
    fails(place.path(), &starts, 2, &["can't read certificate server.pem: No such file"]);
}

#[test]
fn what_others_can_reach_has_keys_and_a_certificate_or_does_not_start() {
    let (place, _) = prepared();
    let place = place.path();
    let open = ["--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0"];
    let refuses = |more: &[&str], lacks: &str| {
        let said = format!("other machines can reach 0.0.0.0:0, and this server has {lacks}: ");
        let arguments = [&["serve", "--data", "sale"], &open[..], more].concat();
        fails(place, &arguments, 2, &[&said, "`doorbuster keys create`", "security.unprotected=allow"]);
    };
    refuses(&[], "no API key and no certificate");
    refuses(&ENCRYPTED, "no API key");
    let (code, _, complained) =
        run(place, &["keys", "create", "ops", "--role", "operator", "--data", "sale"]);
    assert_eq!(code, 0, "{complained}");
    refuses(&[], "no certificate");

    let protected = [&["--data", "sale", "--listen", "0.0.0.0:0"], &ENCRYPTED[..]].concat();
    let server = Serving::start_on(place, &[], &[&protected[..], &["--admin", "127.0.0.1:0"]].concat());
    let ready = run(place, &["status", "--ready", "--admin", admin(&server), "--tls-ca", "ca.pem"]);
    assert_eq!((ready.0, ready.1.as_str()), (0, "ready\n"), "{}", ready.2);
    assert_eq!(status(place, &server, "ca.pem"), 7, "all else takes a key");
    assert_eq!(server.terminate(), Some(0));

    let allowed = ["--data", "lab", "--set", "security.unprotected=allow"];
    let server = Serving::start_on(place, &open, &allowed);
    let ready = run(place, &["status", "--ready", "--json", "--admin", admin(&server)]);
    assert_eq!((ready.0, ready.1.as_str()), (0, "{\"ready\":true,\"schema_version\":1}\n"));
    let at = admin(&server).to_owned();
    assert_eq!(server.terminate(), Some(0));
    fails(place, &["status", "--ready", "--admin", &at], 7, &["can't reach the admin port"]);
}
