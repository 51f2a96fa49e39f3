//! Bytes to the arguments of a command.
//!
//! A command is an array of bulk strings, `*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n`, or a line of words, as people type it. Where the
//! arguments are is noted, nothing is copied. A command that has not come whole is looked at again when there is more; as only
//! its lengths are, and it has a bounded number of them, that stays cheap however slowly it comes.

use std::ops::Range;

/// Most arguments of a command, its name among them: 32 lines with two each, 32 gifts with three each, and every option.
pub const MAX_ARGUMENTS: usize = 256;

/// Most bytes of an argument. The longest that means something is a UUID; PING and ECHO may carry more.
pub const MAX_ARGUMENT: usize = 4 << 10;

/// Most bytes of a command, so that what a connection can make the server keep is bounded.
pub const MAX_COMMAND: usize = 64 << 10;

/// Most bytes of the line that says how many arguments, or bytes, follow.
const MAX_LENGTH_LINE: usize = 16;

/// What makes a connection useless: nobody knows where the next command begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RespError {
    /// The number of arguments is none, or over its bound.
    #[error("Protocol error: invalid multibulk length; a command has at most {MAX_ARGUMENTS} arguments")]
    Arguments,
    /// The length of an argument is none, or over its bound.
    #[error("Protocol error: invalid bulk length; an argument has at most {MAX_ARGUMENT} bytes")]
    Argument,
    /// An argument doesn't begin with a dollar.
    #[error("Protocol error: expected '$', got '{}'", found.escape_ascii())]
    Dollar {
        /// What stands there.
        found: u8,
    },
    /// An argument doesn't end where it should.
    #[error("Protocol error: an argument is longer than it says")]
    End,
    /// The command is over its bound.
    #[error("Protocol error: too big a command; at most {MAX_COMMAND} bytes")]
    Command,
    /// A web browser was made to talk to this port, by a page that means harm.
    #[error("Protocol error: this is no HTTP server")]
    Http,
}

/// Reads the command at the front of `input` and notes where its arguments are; none, where the line was empty. Returns how many
/// bytes it takes, or `None` if it has not come whole.
///
/// # Errors
/// See [`RespError`]. The connection can't be used any further.
pub fn parse(input: &[u8], arguments: &mut Vec<Range<usize>>) -> Result<Option<usize>, RespError> {
    arguments.clear();
    let end = match input.first() {
        None => return Ok(None),
        Some(b'*') => array(input, arguments)?,
        Some(_) => inline(input, arguments)?,
    };
    match end {
        Some(end) if end <= MAX_COMMAND => Ok(Some(end)),
        None if input.len() < MAX_COMMAND => Ok(None),
        Some(_) | None => Err(RespError::Command),
    }
}

fn array(input: &[u8], arguments: &mut Vec<Range<usize>>) -> Result<Option<usize>, RespError> {
    let Some((count, mut at)) = length(input, 1, RespError::Arguments)? else { return Ok(None) };
    // Redis takes an array of none, or of less, for nothing at all.
    let count = usize::try_from(count).unwrap_or(0);
    if count > MAX_ARGUMENTS {
        return Err(RespError::Arguments);
    }
    for _ in 0..count {
        match input.get(at) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(&found) => return Err(RespError::Dollar { found }),
        }
        let Some((bytes, start)) = length(input, at.saturating_add(1), RespError::Argument)? else {
            return Ok(None);
        };
        let bytes = usize::try_from(bytes).map_err(|_| RespError::Argument)?;
        if bytes > MAX_ARGUMENT {
            return Err(RespError::Argument);
        }
        let end = start.saturating_add(bytes);
        match input.get(end..end.saturating_add(2)) {
            None => return Ok(None),
            Some(b"\r\n") => {}
            Some(_) => return Err(RespError::End),
        }
        arguments.push(start..end);
        at = end.saturating_add(2);
    }
    Ok(Some(at))
}

/// The number of the line at `at`, and where the next line begins.
fn length(input: &[u8], at: usize, error: RespError) -> Result<Option<(i64, usize)>, RespError> {
    let line = input.get(at..).unwrap_or_default();
    let line = line.get(..MAX_LENGTH_LINE).unwrap_or(line);
    let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
        return if line.len() < MAX_LENGTH_LINE { Ok(None) } else { Err(error) };
    };
    let digits = line.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(error)?;
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(error)?;
    Ok(Some((number, at.saturating_add(end).saturating_add(1))))
}

fn inline(input: &[u8], arguments: &mut Vec<Range<usize>>) -> Result<Option<usize>, RespError> {
    let line = input.get(..MAX_ARGUMENT).unwrap_or(input);
    let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
        return if line.len() < MAX_ARGUMENT { Ok(None) } else { Err(RespError::Argument) };
    };
    let mut start = None;
    for (at, byte) in line.iter().enumerate().take(end.saturating_add(1)) {
        match (start, byte.is_ascii_whitespace()) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                arguments.push(from..at);
                start = None;
            }
            (None, true) | (Some(_), false) => {}
        }
    }
    if arguments.len() > MAX_ARGUMENTS {
        return Err(RespError::Arguments);
    }
    let name = arguments.first().and_then(|name| line.get(name.clone())).unwrap_or_default();
    if [&b"POST"[..], b"Host:"].iter().any(|http| name.eq_ignore_ascii_case(http)) {
        return Err(RespError::Http);
    }
    Ok(Some(end.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arguments as texts and how many bytes they take; `None` if they are cut short.
    type Read = Option<(Vec<String>, usize)>;

    fn read(input: &[u8]) -> Result<Read, RespError> {
        let mut arguments = Vec::new();
        let used = parse(input, &mut arguments)?;
        let text = |range: &Range<usize>| String::from_utf8(input[range.clone()].to_vec()).unwrap();
        Ok(used.map(|used| (arguments.iter().map(text).collect(), used)))
    }

    fn whole(input: &[u8], words: &[&str], used: usize) {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(read(input), Ok(Some((words, used))));
    }

    #[test]
    fn commands_are_arrays_of_bulk_strings_or_lines_of_words() {
        whole(b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\nrest", &["ECHO", "hi"], 22);
        whole(b"*1\r\n$0\r\n\r\n", &[""], 10);
        whole(b"*1\r\n$4\r\na\r\nb\r\n", &["a\r\nb"], 14);
        whole(b"PING  hi\r\n", &["PING", "hi"], 10);
        whole(b" ping\n", &["ping"], 6);
        for (nothing, used) in [(&b"\r\n"[..], 2), (b"*0\r\n", 4), (b"*-1\r\n", 5)] {
            whole(nothing, &[], used);
        }
    }

    #[test]
    fn what_is_cut_short_is_waited_for() {
        let whole = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n";
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(read(b"PING"), Ok(None));
    }

    #[test]
    fn bounds_are_kept_and_what_is_broken_is_named() {
        let say = |input: &[u8]| read(input).unwrap_err().to_string();
        assert!(say(b"*257\r\n").contains("at most 256 arguments"));
        assert!(say(b"*x\r\n").contains("invalid multibulk length"));
        assert!(say(b"*1\n").contains("invalid multibulk length"));
        assert!(say(b"*1111111111111111").contains("invalid multibulk length"));
        assert!(say(b"*1\r\n$4097\r\n").contains("at most 4096 bytes"));
        assert!(say(b"*1\r\n$-1\r\n").contains("invalid bulk length"));
        assert!(say(b"*1\r\n:1\r\n").contains("expected '$', got ':'"));
        assert!(say(b"*1\r\n$1\r\nab\r\n").contains("longer than it says"));
        assert!(say(b"POST / HTTP/1.1\r\n").contains("no HTTP server"));
        assert!(say(b"host: localhost\r\n").contains("no HTTP server"));
        assert!(say(&b"a".repeat(MAX_ARGUMENT)).contains("invalid bulk length"));
        let many =
            [&b"*17\r\n"[..], &[&b"$4000\r\n"[..], &[b'a'; 4000], b"\r\n"].concat().repeat(17)].concat();
        assert!(say(&many).contains("at most 65536 bytes"));
        assert!(say(&many[..MAX_COMMAND]).contains("at most 65536 bytes"));
        assert_eq!(read(&many[..MAX_COMMAND - 1]), Ok(None));
        assert!(say(&[b"a ".repeat(300), b"\n".to_vec()].concat()).contains("at most 256 arguments"));
    }
}
