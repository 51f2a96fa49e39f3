//! The reports of `docs/reports.md` are what is printed of the small sale.

use std::path::Path;

use crate::golden::GOALS;
use crate::report;
use crate::small::write;

/// What stands on the page for the log's identity, which is drawn anew for each log.
const LOG: &str = "a92d4e8a72a6344c835ed91ddc67810a";

#[tokio::test]
async fn the_reports_of_the_page_are_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("doorbuster-data")).await;
    std::fs::write(folder.path().join("goals.toml"), GOALS).unwrap();
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reports.md");
    let page = std::fs::read_to_string(&place).unwrap();
    let mut found = page.clone();
    for command in [
        "doorbuster report sale --campaign 11 --targets goals.toml",
        "doorbuster report interval --campaign 11 --from 2026-11-11T00:10:00Z",
    ] {
        let arguments: Vec<&str> = command.split(' ').skip(2).collect();
        let (code, printed, complained) = report(folder.path(), &arguments);
        assert_eq!((code, complained.as_str()), (0, ""));
        let line = printed.lines().nth(1).unwrap();
        let drawn = &line["log ".len()..line.find(',').unwrap()];
        found = put(&found, command, &printed.replace(drawn, LOG));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(place, found).unwrap();
        return;
    }
    assert_eq!(found, page, "UPDATE_DOCS=1 writes what is printed into docs/reports.md");
}

/// The page with this behind the command.
fn put(page: &str, command: &str, printed: &str) -> String {
    let fence = "```text\n";
    let (before, behind) = page.split_once(command).expect("the page has the command");
    let (between, behind) = behind.split_once(fence).expect("its output follows");
    let (_, behind) = behind.split_once("```\n").expect("the block ends");
    format!("{before}{command}{between}{fence}{printed}```\n{behind}")
}
