//! Keys, their file, and what a role may do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use doorbuster_protocol::{Code, Field, Kind, Role, Secret};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::audit;

const NOW: u64 = 1_767_225_600_000;

const DAY: u64 = 24 * 60 * 60 * 1_000;

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn wanted(text: &str, role: Role) -> NewKey {
    NewKey { name: name(text), role, channels: Vec::new(), expires_at_ms: None }
}

fn ring_with(text: &str, role: Role) -> (Keyring, Secret) {
    let mut ring = Keyring::default();
    let secret = ring.create(wanted(text, role), NOW).unwrap();
    (ring, secret)
}

/// The name of the key that a secret is of, if it counts.
fn whose(ring: &Keyring, secret: &Secret, now_ms: u64) -> Option<String> {
    ring.find(secret, now_ms).map(|grant| grant.key().name.to_string())
}

#[test]
fn a_key_is_found_by_its_secret_alone_and_the_ring_has_its_hash_alone() {
    let (mut ring, shop) = ring_with("shop", Role::Storefront);
    let ops = ring.create(wanted("ops", Role::Operator), NOW).unwrap();
    assert_ne!(shop.bytes(), ops.bytes());
    assert_eq!(whose(&ring, &shop, NOW).as_deref(), Some("shop"));
    assert_eq!(whose(&ring, &ops, NOW).as_deref(), Some("ops"));
    let mut near = *shop.bytes();
    near[31] ^= 1;
    assert_eq!(whose(&ring, &Secret::new(near), NOW), None);
    let shown = format!("{ring:?}{}", ring.text());
    let digits = shop.reveal();
    assert!(!shown.contains(&digits[4..]), "the secret is in {shown}");
    assert!(shown.contains("\"role\": \"storefront\""), "{shown}");
    let again = Keyring::parse(&ring.text()).unwrap();
    assert!(again.keys().eq(ring.keys()));
}

#[test]
fn a_rotated_secret_counts_until_its_overlap_is_over() {
    let (mut ring, first) = ring_with("shop", Role::Storefront);
    let second = ring.rotate(&name("shop"), DAY, NOW + 1).unwrap();
    for (secret, at, counts) in [
        (&first, NOW + DAY, true),
        (&first, NOW + DAY + 1, false),
        (&second, NOW + 1, true),
        (&second, NOW + 400 * DAY, true),
    ] {
        assert_eq!(whose(&ring, secret, at).is_some(), counts, "{at}");
    }
    assert_eq!(ring.next_end(NOW + 1), NOW + DAY + 1);
    assert_eq!(ring.next_end(NOW + DAY + 1), u64::MAX);
    assert_eq!(ring.find(&first, NOW + 2).unwrap().ends_at_ms(), Some(NOW + DAY + 1));
    let third = ring.rotate(&name("shop"), 0, NOW + 2).unwrap();
    let counting = [&first, &second, &third].map(|secret| whose(&ring, secret, NOW + 2).is_some());
    assert_eq!(counting, [false, false, true], "an overlap of nothing ends all others now");
    assert_eq!(ring.keys().next().unwrap().secrets.len(), 1, "what has ended is forgotten");
}

#[test]
fn a_later_rotation_never_makes_an_older_secret_count_longer() {
    let (mut ring, first) = ring_with("shop", Role::Storefront);
    ring.rotate(&name("shop"), 10, NOW).unwrap();
    ring.rotate(&name("shop"), DAY, NOW + 5).unwrap();
    assert!(whose(&ring, &first, NOW + 9).is_some() && whose(&ring, &first, NOW + 10).is_none());
    ring.rotate(&name("shop"), DAY, NOW + 6).unwrap();
    let full = ring.rotate(&name("shop"), DAY, NOW + 7).unwrap_err().to_string();
    assert_eq!(
        full,
        "there are 4 secrets of this key that count, and 3 at most: wait until one ends, or rotate with --overlap 0s, which ends \
         them now"
    );
    assert!(ring.rotate(&name("shop"), DAY, NOW + 10).is_ok(), "one has ended");
}

#[test]
fn a_revoked_key_counts_no_more_and_keeps_the_door_closed() {
    let (mut ring, secret) = ring_with("shop", Role::Storefront);
    assert!(!Pass::without_key(&ring).allows(Kind::Reserve));
    ring.revoke(&name("shop"), NOW + 5).unwrap();
    assert!(whose(&ring, &secret, NOW + 5).is_none());
    assert!(!ring.is_empty() && !Pass::without_key(&ring).allows(Kind::Reserve), "nobody opened it");
    let gone = ring.revoke(&name("shop"), NOW + 6).unwrap_err().to_string();
    assert_eq!(gone, "there is no key named shop that counts: `doorbuster keys list` shows them");
    assert!(matches!(ring.rotate(&name("shop"), 0, NOW + 6), Err(KeysError::Unknown { .. })));
    let again = ring.create(wanted("shop", Role::Feed), NOW + 7).unwrap();
    assert_eq!((ring.keys().count(), whose(&ring, &again, NOW + 7).as_deref()), (1, Some("shop")));
    assert!(whose(&ring, &secret, NOW + 7).is_none(), "its name counts again, its secret doesn't");
}

#[test]
fn a_key_ends_when_it_was_said_to() {
    let mut ring = Keyring::default();
    let until = NewKey { expires_at_ms: Some(NOW + DAY), ..wanted("guest", Role::Observer) };
    let secret = ring.create(until, NOW).unwrap();
    assert!(whose(&ring, &secret, NOW + DAY - 1).is_some() && whose(&ring, &secret, NOW + DAY).is_none());
    let rotated = ring.rotate(&name("guest"), 0, NOW + 1).unwrap();
    assert!(whose(&ring, &rotated, NOW + DAY).is_none(), "a new secret ends with its key");
    assert!(ring.create(wanted("guest", Role::Observer), NOW + DAY).is_ok(), "its name is free then");
}

#[test]
fn what_can_not_be_a_key_is_told_why() {
    let (mut ring, _) = ring_with("shop", Role::Storefront);
    let taken = ring.create(wanted("shop", Role::Operator), NOW).unwrap_err().to_string();
    assert_eq!(taken, "there is a key named shop: choose another name, or rotate or revoke this one");
    let bound = NewKey { channels: vec![1], ..wanted("eyes", Role::Observer) };
    let bound = ring.create(bound, NOW).unwrap_err().to_string();
    assert_eq!(
        bound,
        "a key of the role observer sees all channels: give channels to keys of the role storefront only"
    );
    let many = NewKey { channels: (0..65).collect(), ..wanted("wide", Role::Storefront) };
    let many = ring.create(many, NOW).unwrap_err().to_string();
    assert_eq!(many, "there are 65 channels of a key, and 64 at most: make several keys");
    for wrong in ["", ".hidden", "-x", "a b", "a\nb", "é", "a=b", &"x".repeat(65)] {
        let error = wrong.parse::<KeyName>().unwrap_err().to_string();
        assert!(error.starts_with("a key's name has 1 to 64 letters, digits, and . _ - @"), "{error}");
    }
    assert!("till-4.ops_A@shop".parse::<KeyName>().is_ok());
}

#[test]
fn the_number_of_keys_is_bounded_and_dead_ones_make_room() {
    let mut ring = Keyring::default();
    for nth in 0..MAX_KEYS {
        ring.create(wanted(&format!("k{nth}"), Role::Feed), NOW).unwrap();
    }
    let full = ring.create(wanted("more", Role::Feed), NOW).unwrap_err().to_string();
    assert_eq!(full, "there are 256 keys that count, and 256 at most: revoke those that nobody uses");
    assert!(ring.text().len() < 1 << 20, "and all of them are read again: {} bytes", ring.text().len());
    ring.revoke(&name("k7"), NOW).unwrap();
    let secret = ring.create(wanted("more", Role::Feed), NOW).unwrap();
    assert_eq!((ring.keys().count(), whose(&ring, &secret, NOW).as_deref()), (MAX_KEYS, Some("more")));
    assert!(ring.keys().all(|key| key.name.as_str() != "k7"));
}

/// A folder, and a file in it with one key.
fn with_file() -> (tempfile::TempDir, KeyFile, Secret) {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::at(folder.path().join("keys.json"));
    let secret = file.change(|ring| ring.create(wanted("shop", Role::Storefront), NOW)).unwrap();
    (folder, file, secret)
}

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_is_for_its_owner_alone_and_is_never_half_written() {
    let (folder, file, secret) = with_file();
    assert_eq!(mode_of(file.path()), 0o600);
    assert_eq!(whose(&file.read().unwrap(), &secret, NOW).as_deref(), Some("shop"));
    let before = std::fs::read(file.path()).unwrap();
    let refused = file.change(|ring| ring.create(wanted("shop", Role::Feed), NOW));
    assert!(matches!(refused, Err(KeysError::Exists { .. })));
    assert_eq!(std::fs::read(file.path()).unwrap(), before, "a refused change changes nothing");
    // What a crash left aside, with anybody's permissions.
    let aside = folder.path().join("keys.json.new");
    std::fs::write(&aside, "{").unwrap();
    set_mode(&aside, 0o666);
    file.change(|ring| ring.create(wanted("ops", Role::Operator), NOW)).unwrap();
    assert_eq!((mode_of(file.path()), aside.exists()), (0o600, false));
    assert_eq!(file.read().unwrap().keys().count(), 2);
    let elsewhere = KeyFile::at(folder.path().join("not/yet/keys.json"));
    assert!(elsewhere.read().unwrap().is_empty());
    elsewhere.change(|ring| ring.create(wanted("early", Role::Operator), NOW)).unwrap();
    assert_eq!(elsewhere.read().unwrap().keys().count(), 1, "its folder was made");
}

#[test]
fn every_fault_of_a_file_is_told_with_what_to_do() {
    let (folder, file, _) = with_file();
    let good = std::fs::read_to_string(file.path()).unwrap();
    let path = file.path().display().to_string();
    for mode in [0o644, 0o660, 0o602, 0o601] {
        set_mode(file.path(), mode);
        let open = file.read().unwrap_err().to_string();
        assert_eq!(
            open,
            format!("{path} is open to others than its owner (mode {mode:03o}): run `chmod 600 {path}`")
        );
    }
    set_mode(file.path(), 0o400);
    assert!(file.read().is_ok(), "nobody needs to write it");
    set_mode(file.path(), 0o600);
    let hash = good.split("\"sha256\": \"").nth(1).unwrap().split('"').next().unwrap();
    let twice = good.replacen("  ]\n}", ",\n", 1);
    let twice = format!("{twice}{}", good.split_once("\"keys\": [").unwrap().1);
    for (text, part) in [
        (String::new(), "EOF while parsing"),
        ("{".to_owned(), "EOF while parsing"),
        (
            good.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1),
            "schema_version is 2, and this version reads 1",
        ),
        (
            good.replacen("storefront", "owner", 1),
            "there is no role \"owner\"; there are storefront, feed, operator, observer",
        ),
        (good.replacen("\"shop\"", "\"a b\"", 1), "a key's name has 1 to 64"),
        (good.replacen(hash, &hash[1..], 1), "a hash has 64 hexadecimal digits"),
        (good.replacen(hash, &hash.replacen(&hash[..1], "g", 1), 1), "a hash has 64 hexadecimal digits"),
        (good.replacen("\"expires_at_ms\"", "\"expires\"", 1), "unknown field `expires`"),
        (
            good.replacen("storefront", "feed", 1).replacen("\"channels\": []", "\"channels\": [1]", 1),
            "key shop: a key of the role feed",
        ),
        (twice, "two keys are named shop"),
        (" ".repeat((1 << 20) + 1), "it has more than 1048576 bytes"),
    ] {
        std::fs::write(file.path(), &text).unwrap();
        let told = file.read().unwrap_err().to_string();
        let begins = format!("{path} is no list of keys: ");
        assert!(told.starts_with(&begins) && told.contains(part), "{part:?} is not in {told}");
        assert!(told.ends_with("put back a copy of it, or make keys anew in another file"), "{told}");
        let refused = file.change(|ring| ring.revoke(&name("shop"), NOW)).unwrap_err();
        assert!(matches!(refused, KeysError::Garbled { .. }), "and nobody writes over it");
    }
    std::fs::write(file.path(), [0xFF, 0xFE]).unwrap();
    assert!(file.read().unwrap_err().to_string().contains("it is no text"));
    let mut no_secret = good
        .lines()
        .filter(|line| !line.contains("sha256") && !line.contains("ends_at_ms"))
        .collect::<Vec<_>>()
        .join("\n");
    no_secret = no_secret.replacen("{\n          \"created_at_ms\": 1767225600000,\n        }", "", 1);
    std::fs::write(file.path(), no_secret).unwrap();
    assert!(matches!(file.read(), Err(KeysError::Garbled { .. })));
    let folder_itself = KeyFile::at(folder.path());
    set_mode(folder.path(), 0o700);
    let told = folder_itself.read().unwrap_err().to_string();
    assert!(told.starts_with("can't read the keys in "), "{told}");
}

fn live(path: PathBuf) -> LiveKeys {
    LiveKeys::open(Some(path)).unwrap()
}

#[test]
fn a_changed_file_is_noticed_and_a_bad_one_is_refused_once() {
    let (_folder, file, _) = with_file();
    let keys = live(file.path().to_owned());
    assert_eq!((keys.look().unwrap(), keys.generation()), (false, 0));
    file.change(|ring| ring.create(wanted("ops", Role::Operator), NOW)).unwrap();
    assert_eq!((keys.look().unwrap(), keys.generation(), keys.ring().keys().count()), (true, 1, 2));
    let good = std::fs::read(file.path()).unwrap();
    std::fs::write(file.path(), "{}").unwrap();
    assert!(matches!(keys.look(), Err(KeysError::Garbled { .. })));
    assert_eq!((keys.look().unwrap(), keys.generation()), (false, 1), "the same is said once");
    assert!(matches!(keys.reload(), Err(KeysError::Garbled { .. })), "whoever asks is told again");
    assert!(keys.check().is_err());
    std::fs::remove_file(file.path()).unwrap();
    let gone = keys.look().unwrap_err().to_string();
    assert!(gone.contains(" is gone: the keys that counted still count; put the file back"), "{gone}");
    assert_eq!(keys.ring().keys().count(), 2);
    std::fs::write(file.path(), "{\"schema_version\": 1, \"keys\": []}").unwrap();
    set_mode(file.path(), 0o600);
    let emptied = keys.look().unwrap_err().to_string();
    assert!(emptied.contains(" has no keys any more: the keys that counted still count"), "{emptied}");
    std::fs::write(file.path(), good).unwrap();
    assert_eq!((keys.look().unwrap(), keys.generation()), (false, 1), "it is as it was");
}

#[test]
fn a_server_starts_with_no_file_and_finds_one_later_and_with_a_bad_one_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::at(folder.path().join("keys.json"));
    let keys = live(file.path().to_owned());
    assert!(keys.ring().is_empty() && !keys.look().unwrap());
    file.change(|ring| ring.create(wanted("ops", Role::Operator), NOW)).unwrap();
    assert!(keys.look().unwrap() && !keys.ring().is_empty());
    set_mode(file.path(), 0o640);
    assert!(matches!(LiveKeys::open(Some(file.path().to_owned())), Err(KeysError::Open { mode: 0o640, .. })));
    assert!(LiveKeys::open(None).unwrap().ring().is_empty());
}

#[test]
fn a_role_may_what_the_table_says_and_a_pass_says_the_same() {
    for &role in Role::ALL {
        let (ring, secret) = ring_with("one", role);
        let pass = Pass::with(ring.find(&secret, NOW).unwrap());
        for &kind in Kind::ALL {
            assert_eq!(pass.allows(kind), may(role, kind), "{} {}", role.name(), kind.name());
            assert!(!may(role, kind) || kind.is_request(), "nobody asks for {}", kind.name());
        }
        assert!(may(role, Kind::Ping) && may(role, Kind::Auth) && may(role, Kind::Hello));
    }
    assert!(Kind::ALL.iter().filter(|kind| kind.is_request()).all(|kind| may(Role::Operator, *kind)));
    for &kind in Kind::ALL {
        assert!(!audit::is_told(kind) || Need::of(kind) == Need::Operate);
    }
    // Of each role, something that others don't do.
    assert!(may(Role::Storefront, Kind::Reserve) && !may(Role::Feed, Kind::Reserve));
    assert!(may(Role::Feed, Kind::Fetch) && !may(Role::Storefront, Kind::Fetch));
    assert!(may(Role::Observer, Kind::ReadStatus) && !may(Role::Observer, Kind::Fetch));
    assert!(!may(Role::Observer, Kind::PutSku) && !may(Role::Storefront, Kind::FreezeSku));
}

#[test]
fn without_a_key_a_locked_server_greets_and_an_open_one_does_everything() {
    let open = Pass::without_key(&Keyring::default());
    let (ring, secret) = ring_with("one", Role::Feed);
    let locked = Pass::without_key(&ring);
    for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_request()) {
        assert!(open.allows(kind));
        assert_eq!(locked.allows(kind), matches!(kind, Kind::Hello | Kind::Ping | Kind::Auth));
        assert!(!Pass::default().allows(kind));
    }
    assert!(locked.is_locked() && !open.is_locked() && Pass::default().is_locked());
    assert!(open.renewed(&ring, NOW).is_locked(), "the first key closes the door behind those inside");
    let pass = Pass::with(ring.find(&secret, NOW).unwrap());
    assert!(!pass.renewed(&ring, NOW).is_locked());
    let mut without = ring.clone();
    without.revoke(&name("one"), NOW + 1).unwrap();
    assert!(pass.renewed(&without, NOW + 1).is_locked());
}

#[test]
fn a_bound_key_sells_on_its_channels_and_an_unbound_one_on_all() {
    let mut ring = Keyring::default();
    let bound = NewKey { channels: vec![7, 2, 7], ..wanted("shop", Role::Storefront) };
    let secret = ring.create(bound, NOW).unwrap();
    let bound = Pass::with(ring.find(&secret, NOW).unwrap()).bound();
    for channel in 0..=8 {
        let refused = Bound::check(bound.as_ref(), channel).err();
        assert_eq!(refused.is_none(), [2, 7].contains(&channel), "{channel}");
        if let Some(answer) = refused {
            assert_eq!((answer.code(), answer.field), (Ok(Code::Forbidden), Field::Channel.byte()));
        }
        assert!(Bound::check(None, channel).is_ok());
    }
    let (ring, secret) = ring_with("all", Role::Storefront);
    assert!(Pass::with(ring.find(&secret, NOW).unwrap()).bound().is_none());
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");

fn table() -> String {
    let mut table =
        "| request | storefront | feed | observer | operator | in the audit |\n|---|---|---|---|---|---|\n"
            .to_owned();
    let columns = [Role::Storefront, Role::Feed, Role::Observer, Role::Operator];
    for &kind in Kind::ALL.iter().filter(|kind| kind.is_request()) {
        write!(table, "| {} |", kind.name()).unwrap();
        for role in columns {
            table.push_str(match (Need::of(kind), may(role, kind)) {
                (Need::Nothing, _) => " without a key |",
                (_, true) => " yes |",
                (_, false) => " |",
            });
        }
        table.push_str(if audit::is_told(kind) { " yes |\n" } else { " |\n" });
    }
    table
}

#[test]
fn the_page_has_the_table_of_roles() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once("<!-- roles -->\n").expect("the page has a place for it");
    let (_, behind) = rest.split_once("<!-- end of roles -->").expect("the place ends");
    let made = format!("{before}<!-- roles -->\n{}<!-- end of roles -->{behind}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(PAGE, made).unwrap();
    }
    assert_eq!(made, page, "UPDATE_DOCS=1 writes the table into docs/security.md");
}

/// What somebody does to keys.
#[derive(Clone, Debug)]
enum Deed {
    Create {
        name: u8,
        expires: Option<u64>,
    },
    Rotate {
        name: u8,
        overlap: u64,
    },
    Revoke {
        name: u8,
    },
    Wait {
        ms: u64,
    },
    /// Written to a file's text and read again.
    Restart,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let name = 0..4_u8;
    let deed = prop_oneof![
        (name.clone(), prop::option::of(0..60_u64))
            .prop_map(|(name, expires)| Deed::Create { name, expires }),
        (name.clone(), 0..40_u64).prop_map(|(name, overlap)| Deed::Rotate { name, overlap }),
        name.prop_map(|name| Deed::Revoke { name }),
        (0..30_u64).prop_map(|ms| Deed::Wait { ms }),
        Just(Deed::Restart),
    ];
    prop::collection::vec(deed, 1..40)
}

/// What a secret is of, and from when on it doesn't count: all that a naive model keeps.
type Model = BTreeMap<usize, (u8, u64)>;

proptest! {
    // proptest prints the smallest failing input; the fixed seed makes each run the same.
    #![proptest_config(ProptestConfig { cases: 256, rng_seed: RngSeed::Fixed(0xD00B), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_grants_what_a_naive_model_grants(deeds in deeds()) {
        let (mut ring, mut now, mut model) = (Keyring::default(), NOW, Model::new());
        let mut secrets: Vec<Secret> = Vec::new();
        for deed in deeds {
            let is_live = |model: &Model, wanted: u8, now: u64| model.values().any(|(name, end)| *name == wanted && now < *end);
            match deed {
                Deed::Create { name: number, expires } => {
                    let key = NewKey { expires_at_ms: expires.map(|ms| now + ms), ..wanted(&format!("k{number}"), Role::Feed) };
                    let made = ring.create(key, now);
                    prop_assert_eq!(made.is_ok(), !is_live(&model, number, now));
                    if let Ok(secret) = made {
                        model.retain(|_, (name, _)| *name != number);
                        model.insert(secrets.len(), (number, expires.map_or(u64::MAX, |ms| now + ms)));
                        secrets.push(secret);
                    }
                }
                Deed::Rotate { name: number, overlap } => {
                    let counting = model.values().filter(|(name, end)| *name == number && now < *end).count();
                    let left = if overlap == 0 { 0 } else { counting };
                    let made = ring.rotate(&name(&format!("k{number}")), overlap, now);
                    prop_assert_eq!(made.is_ok(), counting > 0 && left < MAX_SECRETS);
                    if let Ok(secret) = made {
                        let last = ring.keys().find(|key| key.name.as_str() == format!("k{number}")).and_then(|key| key.expires_at_ms);
                        for (name, end) in model.values_mut().filter(|(name, _)| *name == number) {
                            *end = (*end).min(now + overlap);
                            prop_assert_eq!(*name, number);
                        }
                        model.insert(secrets.len(), (number, last.unwrap_or(u64::MAX)));
                        secrets.push(secret);
                    }
                }
                Deed::Revoke { name: number } => {
                    let revoked = ring.revoke(&name(&format!("k{number}")), now);
                    prop_assert_eq!(revoked.is_ok(), is_live(&model, number, now));
                    for (_, end) in model.values_mut().filter(|(name, _)| *name == number) {
                        *end = (*end).min(now);
                    }
                }
                Deed::Wait { ms } => now += ms,
                Deed::Restart => ring = Keyring::parse(&ring.text()).unwrap(),
            }
            for (nth, secret) in secrets.iter().enumerate() {
                let expected = model.get(&nth).filter(|(_, end)| now < *end).map(|(name, _)| format!("k{name}"));
                prop_assert_eq!(whose(&ring, secret, now), expected);
            }
            let next = model.values().map(|(_, end)| *end).filter(|end| *end > now).min().unwrap_or(u64::MAX);
            prop_assert!(ring.next_end(now) <= next, "an end is never missed");
        }
    }
}
