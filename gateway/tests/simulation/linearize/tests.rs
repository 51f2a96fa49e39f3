use super::*;

/// A register: the classic.
struct Register;

#[derive(Debug)]
enum Access {
    Write(u32),
    Read(u32),
}

impl Model for Register {
    type State = u32;
    type Action = Access;

    fn apply(&self, state: &u32, action: &Access, next: &mut Vec<u32>) {
        match action {
            Access::Write(value) => next.push(*value),
            Access::Read(value) if value == state => next.push(*state),
            Access::Read(_) => {}
        }
    }

    fn is_read(&self, action: &Access) -> bool {
        matches!(action, Access::Read(_))
    }
}

fn judge(history: impl IntoIterator<Item = (u64, Option<u64>, Access)>) -> Verdict {
    let operation = |(called, answered, action): (u64, Option<u64>, Access)| {
        let ended = answered.unwrap_or(u64::MAX);
        Operation { called, ended, happened: answered.is_some(), action }
    };
    check(&Register, 0, &history.into_iter().map(operation).collect::<Vec<_>>())
}

fn is_broken(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Broken(_))
}

#[test]
fn an_empty_history_and_one_in_order_are_linearizable() {
    assert_eq!(judge([]), Verdict::Linearizable);
    let history =
        [(1, Some(2), Access::Write(5)), (3, Some(4), Access::Read(5)), (5, Some(6), Access::Write(6))];
    assert_eq!(judge(history), Verdict::Linearizable);
}

#[test]
fn a_read_beside_a_write_may_see_either() {
    for seen in [0, 5] {
        let history = [(1, Some(4), Access::Write(5)), (2, Some(3), Access::Read(seen))];
        assert_eq!(judge(history), Verdict::Linearizable, "{seen}");
    }
}

#[test]
fn a_read_behind_a_write_sees_it() {
    assert!(is_broken(&judge([(1, Some(2), Access::Write(5)), (3, Some(4), Access::Read(0))])));
}

#[test]
fn what_one_has_seen_the_next_may_not_miss() {
    let history = |second| {
        [(1, Some(8), Access::Write(5)), (2, Some(3), Access::Read(5)), (4, Some(5), Access::Read(second))]
    };
    assert_eq!(judge(history(5)), Verdict::Linearizable);
    assert!(is_broken(&judge(history(0))));
}

#[test]
fn an_unanswered_write_may_happen_late_or_never_and_not_before_its_call() {
    let history = |first, last| {
        [(3, None, Access::Write(5)), (1, Some(2), Access::Read(first)), (9, Some(10), Access::Read(last))]
    };
    assert_eq!(judge(history(0, 0)), Verdict::Linearizable);
    assert_eq!(judge(history(0, 5)), Verdict::Linearizable);
    assert!(is_broken(&judge(history(5, 5))));
}

#[test]
fn what_could_happen_no_more_has_not_happened_later() {
    let judge = |ended| {
        let write = Operation { called: 1, ended, happened: false, action: Access::Write(5) };
        let read =
            |at, seen| Operation { called: at, ended: at + 1, happened: true, action: Access::Read(seen) };
        check(&Register, 0, &[write, read(4, 0), read(7, 5)])
    };
    assert_eq!(judge(6), Verdict::Linearizable);
    assert!(is_broken(&judge(3)));
}

#[test]
fn a_read_that_fits_early_may_have_to_come_late() {
    // Early, the second read would say that 5 was never written. The story is: 5 is written and read, then 0.
    let write =
        |called, ended, value, happened| Operation { called, ended, happened, action: Access::Write(value) };
    let read = |called, ended, seen| Operation { called, ended, happened: true, action: Access::Read(seen) };
    let history = [write(1, 6, 5, false), write(2, 30, 0, true), read(7, 20, 0), read(8, 21, 5)];
    assert_eq!(check(&Register, 0, &history), Verdict::Linearizable);
}

#[test]
fn a_write_happens_once() {
    let mut history = vec![(1, None, Access::Write(5)), (2, Some(3), Access::Write(6))];
    for (at, seen) in [(4, 6), (6, 5), (8, 6)] {
        history.push((at, Some(at + 1), Access::Read(seen)));
    }
    assert!(is_broken(&judge(history)));
}

#[test]
fn a_broken_history_says_where_no_story_goes_on() {
    let verdict = judge([(1, Some(2), Access::Write(5)), (3, Some(4), Access::Read(7))]);
    let said = "after 1 operations, in 5, none of these can be next: Read(7) at 3..4";
    assert_eq!(verdict, Verdict::Broken(said.to_owned()));
}

#[test]
fn a_search_that_takes_too_long_is_given_up() {
    // All writes may stand in any order, and no read can ever be right.
    let writes = (1..24).map(|value| (u64::from(value), Some(1_000), Access::Write(value)));
    let read = [(30, Some(40), Access::Read(99))];
    assert_eq!(judge(writes.chain(read)), Verdict::Undecided);
}
