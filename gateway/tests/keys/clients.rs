//! The Rust client with a right key, a wrong one and none.

use doorbuster_client::{Client, Code, Error, Reserve, Secret};
use doorbuster_protocol::Role;

use crate::{SKU, World, without_keys};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(future)
}

fn wants(user: u64) -> Reserve {
    Reserve { user, sku: SKU, quantity: 1, ..Reserve::default() }
}

#[test]
fn a_client_proves_its_key_on_each_connection() {
    let world = World::new();
    let address = world.server.address().to_string();
    let secret = world.secret(Role::Storefront).clone();
    block_on(async {
        let client = Client::builder().key(secret).connections(4).connect(&address).await.expect("it counts");
        for user in 0..32 {
            assert!(client.reserve(&wants(user)).await.expect("an answer").done().is_some());
        }
    });
    world.server.stop();
}

#[test]
fn a_client_is_told_what_is_wrong_with_its_key() {
    let world = World::new();
    let address = world.server.address().to_string();
    block_on(async {
        let denied = Client::builder().key(Secret::new([9; 32])).connect(&address).await.expect_err("no key");
        let Error::Denied { reason, .. } = &denied else { panic!("{denied:?}") };
        assert!(reason.starts_with("no key that counts is this one"), "{reason}");
        assert_eq!(denied.to_string(), format!("{address} refuses the key: {reason}"));
        let none = Client::connect(&address).await.expect("a greeting needs no key");
        let refused = none.reserve(&wants(1)).await.expect_err("but a hold does");
        let Error::Fault { code, message, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!(*code, Code::Unauthenticated);
        assert_eq!(message, "the server has keys: send AUTH with one before RESERVE");
    });
    let (open, _file, _folder) = without_keys();
    let address = open.address().to_string();
    block_on(async {
        let denied =
            Client::builder().key(Secret::new([9; 32])).connect(&address).await.expect_err("it has none");
        assert!(
            denied.to_string().ends_with("this server has no keys, and needs none: leave AUTH out"),
            "{denied}"
        );
    });
    open.stop();
    world.server.stop();
}
