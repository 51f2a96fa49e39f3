//! API keys at a real server, by every door: what is open without one, what each role may do, and that a key which ends takes its
//! connections' rights with it, at once. Time is virtual.

mod admin;
mod audit;
mod clients;
mod ends;
mod logged;
mod native;
mod resp;
mod wire;

use std::net::SocketAddr;

use doorbuster_gateway::keys::{KeyFile, KeyName, Keyring, KeysError, NewKey};
use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{Kind, PutSku, Role, Secret};
use wire::Peer;

/// The SKU that everybody wants, and how many units there are.
const SKU: u64 = 7;
const UNITS: u64 = 1_000;

/// A server with a key for each role.
struct World {
    server: Server,
    file: KeyFile,
    /// Of keys that are called as their roles.
    secrets: Vec<(Role, Secret)>,
    _folder: tempfile::TempDir,
}

/// A server that looks at a file of keys in an empty folder.
fn without_keys() -> (Server, KeyFile, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let file = KeyFile::at(folder.path().join("keys.json"));
    let server = Server::start_with(|setup| {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        (setup.admin, setup.resp) = (Some(free), Some(free));
        setup.keys = Some(file.path().to_owned());
        // One reactor, so that what a connection is told follows what was looked at before.
        setup.reactors = 1;
        // A machine that is busy would refuse.
        setup.backlog_us = 0;
    });
    (server, file, folder)
}

impl World {
    fn new() -> Self {
        let (server, file, folder) = without_keys();
        let mut world = Self { server, file, secrets: Vec::new(), _folder: folder };
        for &role in Role::ALL {
            let secret = world.create(role.name(), role, &[]);
            world.secrets.push((role, secret));
        }
        let put = PutSku { sku: SKU, units: UNITS, ..PutSku::default() };
        assert_eq!(world.peer(Role::Operator).codes(Kind::PutSku, &[put]), ["OK"]);
        world
    }

    /// Changes the keys, and lets the server look.
    fn change<T>(&self, change: impl FnOnce(&mut Keyring, u64) -> Result<T, KeysError>) -> T {
        let now_ms = self.now_ms();
        let done = self.file.change(|ring| change(ring, now_ms)).expect("the keys can be changed");
        assert!(self.server.server().look_at_keys().expect("the file is good"), "the server sees it");
        done
    }

    fn create(&self, name: &str, role: Role, channels: &[u16]) -> Secret {
        let new = NewKey { name: named(name), role, channels: channels.to_vec(), expires_at_ms: None };
        self.change(|ring, now_ms| ring.create(new, now_ms))
    }

    fn revoke(&self, name: &str) {
        self.change(|ring, now_ms| ring.revoke(&named(name), now_ms));
    }

    fn now_ms(&self) -> u64 {
        self.server.server().engine().now().raw()
    }

    fn secret(&self, role: Role) -> &Secret {
        &self.secrets.iter().find(|(known, _)| *known == role).expect("each role has a key").1
    }

    /// A connection that greeted and proved nothing.
    fn stranger(&self) -> Peer {
        Peer::greeted(self.server.address())
    }

    /// A connection that proved the key of a role.
    fn peer(&self, role: Role) -> Peer {
        self.with(self.secret(role))
    }

    fn with(&self, secret: &Secret) -> Peer {
        let mut peer = self.stranger();
        peer.prove(secret).expect("the key counts");
        peer
    }

    fn admin(&self) -> SocketAddr {
        self.server.server().admin().expect("it was set up")
    }
}

fn named(name: &str) -> KeyName {
    name.parse().expect("a name")
}
