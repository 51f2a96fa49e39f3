//! Where replies end.

/// The length of the reply at the front of `bytes`; `None` if it has not come whole.
pub(crate) fn reply_len(bytes: &[u8]) -> Option<usize> {
    let line = bytes.iter().position(|&byte| byte == b'\n')? + 1;
    let (kind, digits) = bytes[..line - 2].split_first()?;
    let count = || std::str::from_utf8(digits).ok()?.parse::<i64>().ok();
    match kind {
        b'*' => (0..count()?).try_fold(line, |at, _| Some(at + reply_len(&bytes[at..])?)),
        b'$' => {
            let end = usize::try_from(count()?).map_or(line, |length| line + length + 2);
            (end <= bytes.len()).then_some(end)
        }
        _ => Some(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_where_its_parts_do() {
        for whole in [
            "+OK\r\n",
            ":0\r\n",
            "$-1\r\n",
            "$2\r\nab\r\n",
            "*2\r\n$2\r\nOK\r\n*2\r\n$1\r\na\r\n:5\r\n",
            "-SHED x\r\n",
        ] {
            let more = format!("{whole}+next\r\n");
            assert_eq!(reply_len(more.as_bytes()), Some(whole.len()), "{whole:?}");
            for cut in 0..whole.len() {
                assert_eq!(reply_len(&whole.as_bytes()[..cut]), None, "{whole:?} cut at {cut}");
            }
        }
    }
}
