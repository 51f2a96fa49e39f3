//! Data folders that are used, foreign, newer or damaged.

use crate::{FREE_PORTS, Serving, fails, folder, run, write};

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
