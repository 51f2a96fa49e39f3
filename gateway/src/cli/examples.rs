//! Examples of commands, for their help. A test runs every line of them through the command line's own parser.

use clap::Command;

/// Commands by their path, each with lines to copy. Commands that stand elsewhere have theirs beside their options.
const EXAMPLES: [(&str, &[&str]); 36] = [
    (
        "serve",
        &[
            "doorbuster serve --dev",
            "doorbuster serve --config /etc/doorbuster/doorbuster.toml --data /var/lib/doorbuster",
            "doorbuster serve --set rules.offer_ms=10m --set overload.backlog_us=8ms",
        ],
    ),
    ("status", &["doorbuster status", "doorbuster status --admin 10.0.0.5:7701 --json"]),
    ("top", &["doorbuster top", "doorbuster top --admin 10.0.0.5:7701 --plain"]),
    (
        "doctor",
        &["doorbuster doctor", "doorbuster doctor --config shop.toml --data /var/lib/doorbuster --json"],
    ),
    (
        "completions",
        &[
            "doorbuster completions bash > /etc/bash_completion.d/doorbuster",
            "doorbuster completions zsh > /usr/local/share/zsh/site-functions/_doorbuster",
            "doorbuster completions fish > ~/.config/fish/completions/doorbuster.fish",
        ],
    ),
    ("config check", &["doorbuster config check /etc/doorbuster/doorbuster.toml"]),
    (
        "config show",
        &["doorbuster config show --config shop.toml --changed", "doorbuster config show --json"],
    ),
    (
        "keys create",
        &[
            "doorbuster keys create shop --role storefront --channel 1 --channel 2 > shop.key",
            "doorbuster keys create prometheus --role observer --expires 365d --data /var/lib/doorbuster",
        ],
    ),
    (
        "keys list",
        &["doorbuster keys list", "doorbuster keys list --config /etc/doorbuster/doorbuster.toml --json"],
    ),
    ("keys rotate", &["doorbuster keys rotate shop", "doorbuster keys rotate shop --overlap 0s"]),
    ("keys revoke", &["doorbuster keys revoke shop"]),
    ("campaign plan", &["doorbuster campaign plan double-11.toml"]),
    ("campaign apply", &["doorbuster campaign apply double-11.toml --by 12 --reason 3"]),
    ("campaign show", &["doorbuster campaign show 1111"]),
    ("campaign pause", &["doorbuster campaign pause 1111 --by 12 --reason 3"]),
    ("campaign resume", &["doorbuster campaign resume 1111"]),
    ("campaign release", &["doorbuster campaign release 7 8"]),
    ("campaign end", &["doorbuster campaign end 1111"]),
    ("dev advance", &["doorbuster dev advance 15m"]),
    (
        "order reserve",
        &[
            "doorbuster order reserve --user 1 --sku 7 --quantity 2",
            "doorbuster order reserve --user 1 --sku 7 --wait 30m --watch",
        ],
    ),
    ("order pay", &["doorbuster order pay 4503599627370497 --user 1 --amount 19900"]),
    ("order cancel", &["doorbuster order cancel 4503599627370497 --user 1"]),
    ("order show", &["doorbuster order show 4503599627370497 --user 1 --json"]),
    ("audit", &["doorbuster audit /backups/monday", "doorbuster audit --server 10.0.0.5:7700"]),
    ("backup", &["doorbuster backup --data /var/lib/doorbuster --to /backups/monday"]),
    ("restore", &["doorbuster restore --from /backups/monday --data /var/lib/doorbuster"]),
    ("verify", &["doorbuster verify /backups/monday"]),
    (
        "explain",
        &[
            "doorbuster explain --order 4503599627370497",
            "doorbuster explain --user 1 --data /backups/monday",
        ],
    ),
    ("feed", &["doorbuster feed --follow --json", "doorbuster feed --from 1000 --sku 7 --limit 20"]),
    ("breaker show", &["doorbuster breaker show"]),
    ("breaker open", &["doorbuster breaker open --class reserve", "doorbuster breaker open --scope shard-0"]),
    ("breaker release", &["doorbuster breaker release"]),
    ("breaker set", &["doorbuster breaker set metrics-only --scope shard-0"]),
    (
        "stock import",
        &[
            "doorbuster stock import stock.csv --dry-run",
            "doorbuster stock import stock.csv --by 12 --reason 3",
        ],
    ),
    ("stock goods", &["doorbuster stock goods 7"]),
    ("stock show", &["doorbuster stock show 7 --json"]),
];

/// The same for reports, money and plans.
const MORE: [(&str, &[&str]); 12] = [
    (
        "report interval",
        &[
            "doorbuster report interval",
            "doorbuster report interval --every 15m --from 2026-11-11T00:00:00+08:00 --format json",
        ],
    ),
    (
        "report sale",
        &[
            "doorbuster report sale /backups/monday --targets goals.toml",
            "doorbuster report sale --campaign 1111 --format html --out sale.html",
        ],
    ),
    ("plan list", &["doorbuster plan list"]),
    ("plan show", &["doorbuster plan show", "doorbuster plan show 3"]),
    ("plan run", &["doorbuster plan run calm-down --sku 7"]),
    ("plan revert", &["doorbuster plan revert 3"]),
    ("budget set", &["doorbuster budget set 1 --funded 100000000 --funder 1:60 --funder 2:40"]),
    ("budget fund", &["doorbuster budget fund 1 --to 200000000"]),
    ("budget stop", &["doorbuster budget stop 1 --by 12 --reason 3"]),
    ("budget show", &["doorbuster budget show 1"]),
    ("coupon issue", &["doorbuster coupon issue 5 --serials 1000000"]),
    ("coupon show", &["doorbuster coupon show 5-17"]),
];

/// Puts the examples into the commands' help.
pub(super) fn add(root: Command) -> Command {
    EXAMPLES.iter().chain(&MORE).fold(root, |root, (path, lines)| {
        let title = if lines.len() == 1 { "Example" } else { "Examples" };
        let text = format!("{title}:\n  {}", lines.join("\n  "));
        let parts: Vec<&str> = path.split(' ').collect();
        put(root, &parts, &text)
    })
}

fn put(command: Command, path: &[&str], text: &str) -> Command {
    match path.split_first() {
        None => command.after_help(text.to_owned()),
        Some((first, rest)) => command.mut_subcommand(*first, |command| put(command, rest, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command that does something, with its path.
    fn leaves(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        let below: Vec<&Command> =
            command.get_subcommands().filter(|below| below.get_name() != "help").collect();
        if below.is_empty() {
            found.push((path.to_owned(), command.clone()));
        }
        for command in below {
            leaves(command, &format!("{path} {}", command.get_name()), found);
        }
    }

    #[test]
    fn every_command_has_examples_that_it_takes() {
        let root = crate::cli::command();
        let mut found = Vec::new();
        leaves(&root, "doorbuster", &mut found);
        assert!(found.len() > 50, "{}", found.len());
        let mut missing = Vec::new();
        for (path, command) in found {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> =
                help.lines().filter_map(|line| line.strip_prefix("  doorbuster ")).collect();
            if !lines.iter().any(|line| format!("doorbuster {line} ").starts_with(&format!("{path} "))) {
                missing.push(path.clone());
            }
            for line in lines {
                let words = line.split(" > ").next().unwrap_or_default().replace("HEX", &"ab".repeat(16));
                let words = std::iter::once("doorbuster").chain(words.split(' '));
                if let Err(error) = root.clone().try_get_matches_from(words) {
                    panic!("{path}: {line}: {error}");
                }
            }
        }
        assert!(missing.is_empty(), "without an example of their own: {missing:?}");
    }
}
