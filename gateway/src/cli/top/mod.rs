//! `doorbuster top`: a live view, drawn anew each second.
//!
//! It asks the admin port as `status` does, and shows what happened between two answers. Plain escape codes: the screen is not
//! cleared but written over, so that nothing flickers. Where standard output is no terminal it prints one frame and ends.

mod ended;
mod frame;
mod hot;
mod screen;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use super::admin_port::At;
use super::status::Standing;
use super::{fail, say};
use ended::Ended;
use frame::{Frame, Size};
use hot::hottest;
use screen::{Key, Screen};

/// Time between two frames.
const INTERVAL: Duration = Duration::from_secs(1);

/// Watch a server: orders a second by outcome, latencies, load, breakers and the hottest SKUs, each second anew. q or Ctrl-C ends it.
#[derive(Debug, Args)]
pub(super) struct TopOptions {
    #[command(flatten)]
    at: At,
    /// Without colours, as where `NO_COLOR` is set.
    #[arg(long)]
    plain: bool,
}

pub(super) fn run(options: &TopOptions) -> ExitCode {
    let live = std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !options.at.json;
    let first = match Standing::ask(&options.at) {
        Ok(first) => first,
        Err(why) => return fail(7, &why),
    };
    // Asked for the first time, the server begins to look at its SKUs.
    drop(hottest(&options.at));
    if !live {
        std::thread::sleep(INTERVAL);
        return match Standing::ask(&options.at) {
            Ok(now) => {
                let hot = hottest(&options.at);
                let frame = Frame {
                    at: &options.at.to_string(),
                    before: &first,
                    now: &now,
                    hot: &hot,
                    over: INTERVAL,
                    colours: false,
                };
                if options.at.json {
                    say(&frame.document());
                } else {
                    say(&frame.text(Size::default()));
                }
                ExitCode::SUCCESS
            }
            Err(why) => fail(7, &why),
        };
    }
    let colours = !options.plain && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let ended = match Ended::watch() {
        Ok(ended) => ended,
        Err(error) => return fail(3, &format_args!("can't wait for signals: {error}")),
    };
    let screen = match Screen::open() {
        Ok(screen) => screen,
        Err(error) => {
            return fail(3, &format_args!("can't use this terminal: {error}; try `doorbuster status`"));
        }
    };
    let (mut before, mut asked) = (first, Instant::now());
    loop {
        match screen.wait(INTERVAL, &ended) {
            Ok(Key::Quit) => return ExitCode::SUCCESS,
            Ok(Key::None) => {}
            Err(error) => {
                drop(screen);
                return fail(3, &format_args!("the terminal can't be read any more: {error}"));
            }
        }
        let now = match Standing::ask(&options.at) {
            Ok(now) => now,
            Err(why) => {
                // A server that restarts is worth waiting for.
                drop(screen.draw(&format!("{why}\n\nq ends; else it is tried again each second")));
                continue;
            }
        };
        let hot = hottest(&options.at);
        let over = asked.elapsed();
        asked = Instant::now();
        let at = options.at.to_string();
        let frame = Frame { at: &at, before: &before, now: &now, hot: &hot, over, colours };
        if let Err(error) = screen.draw(&frame.text(screen.size())) {
            drop(screen);
            return fail(3, &format_args!("the terminal can't be written to any more: {error}"));
        }
        before = now;
    }
}
