//! Whether a history that clients saw can be told as one story, in which each operation happened at one moment between its call
//! and its answer: linearizability (Herlihy and Wing, 1990).
//!
//! The search is that of Wing and Gong (1993) with the memory of Lowe (2017): try every operation that may come next, one
//! whose call was before the first answer that is still to be explained; go back where none fits; and never look twice at the
//! same set of operations done with the same state. An operation without an answer may have happened at any time after its
//! call, or never; where it is known when it could happen no more, before that. What happened by itself, without a call, is such
//! an operation, too.
//!
//! Finding it out is NP-complete, so the search is bounded ([`MAX_NODES`]). A verdict that wasn't reached is none, and is
//! counted.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// Steps of one search: some milliseconds for the histories that are seen here, which need a few hundred; a hundred times
/// that before it gives up.
pub(crate) const MAX_NODES: usize = 60_000;

/// What something is said to do.
pub(crate) trait Model {
    /// All that counts of the past.
    type State: Clone + Eq + Hash + Debug;
    /// An operation with what was answered.
    type Action: Debug;

    /// Appends the states that may follow where the action happens in a state with what it was answered; none where it can't.
    fn apply(&self, state: &Self::State, action: &Self::Action, next: &mut Vec<Self::State>);

    /// Whether the action changes nothing, in any state. Then it may as well happen as soon as it can: nothing that follows
    /// depends on it, so no other place needs to be tried, unless it says of something that it never happened.
    fn is_read(&self, action: &Self::Action) -> bool;
}

/// An operation. Calls and answers are numbered in the order in which they were seen, none twice.
#[derive(Clone, Debug)]
pub(crate) struct Operation<A> {
    pub(crate) called: u64,
    /// When it was answered, or could happen no more.
    pub(crate) ended: u64,
    /// Whether it is known that it happened.
    pub(crate) happened: bool,
    pub(crate) action: A,
}

/// What came of a search.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is such a story.
    Linearizable,
    /// There is none. How far the best one came.
    Broken(String),
    /// The search was given up.
    Undecided,
}

/// A moment of the story that is tried.
struct Moment<S> {
    state: S,
    /// What may come next and has not been tried.
    next: Vec<(usize, S)>,
    /// What came last.
    last: Option<usize>,
    /// The latest call of what has happened. What had ended by then and has not happened never did.
    latest: u64,
}

/// Operations that have happened, a bit each.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

impl Done {
    fn has(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn flip(&mut self, at: usize) {
        self.0[at / 64] ^= 1 << (at % 64);
    }
}

/// Looks for a story of the operations that begins in a state.
pub(crate) fn check<M: Model>(model: &M, start: M::State, operations: &[Operation<M::Action>]) -> Verdict {
    let mut operations: Vec<&Operation<M::Action>> = operations.iter().collect();
    operations.sort_by_key(|operation| operation.called);
    let needed = operations.iter().filter(|operation| operation.happened).count();
    let mut done = Done(vec![0; operations.len().div_ceil(64)]);
    let mut seen = HashSet::new();
    let (mut explained, mut best, mut nodes) = (0, (0, String::new()), 0);
    let next = candidates(model, &start, &operations, &done, 0);
    let mut story = vec![Moment { state: start, next, last: None, latest: 0 }];
    loop {
        if explained == needed {
            return Verdict::Linearizable;
        }
        let Some(moment) = story.last_mut() else { return Verdict::Broken(best.1) };
        if explained >= best.0 && moment.next.is_empty() {
            best = (explained, stuck(&operations, &done, moment));
        }
        let Some((at, state)) = moment.next.pop() else {
            if let Some(last) = moment.last {
                done.flip(last);
                explained -= usize::from(operations[last].happened);
            }
            story.pop();
            continue;
        };
        let latest = moment.latest;
        done.flip(at);
        if !seen.insert((done.clone(), state.clone())) {
            done.flip(at);
            continue;
        }
        nodes += 1;
        if nodes > MAX_NODES {
            return Verdict::Undecided;
        }
        explained += usize::from(operations[at].happened);
        let latest = latest.max(operations[at].called);
        let next = candidates(model, &state, &operations, &done, latest);
        story.push(Moment { state, next, last: Some(at), latest });
    }
}

/// What may come next: whatever was called before the first answer that is left. The best guess stands last: what was answered
/// first, and what need not have happened only where nothing else fits.
fn candidates<M: Model>(
    model: &M,
    state: &M::State,
    operations: &[&Operation<M::Action>],
    done: &Done,
    latest: u64,
) -> Vec<(usize, M::State)> {
    let mut may = open(operations, done, latest);
    may.sort_by_key(|(_, operation)| std::cmp::Reverse((!operation.happened, operation.ended)));
    // What comes behind this moment says that something else never happened.
    let unsure = may.iter().filter(|(_, operation)| !operation.happened);
    let safe = unsure.map(|(_, operation)| operation.ended).min().unwrap_or(u64::MAX);
    let (mut next, mut states) = (Vec::new(), Vec::new());
    for (at, operation) in may {
        model.apply(state, &operation.action, &mut states);
        if !states.is_empty() && operation.called < safe && model.is_read(&operation.action) {
            return states.drain(..).take(1).map(|state| (at, state)).collect();
        }
        next.extend(states.drain(..).map(|state| (at, state)));
    }
    next
}

/// What was called before the first answer that is left, and may still happen.
fn open<'a, A>(operations: &[&'a Operation<A>], done: &Done, latest: u64) -> Vec<(usize, &'a Operation<A>)> {
    let left = || operations.iter().copied().enumerate().filter(|(at, _)| !done.has(*at));
    let answers = left().filter(|(_, operation)| operation.happened).map(|(_, operation)| operation.ended);
    let bound = answers.min().unwrap_or(u64::MAX);
    left()
        .take_while(|(_, operation)| operation.called < bound)
        .filter(|(_, operation)| operation.happened || operation.ended > latest)
        .collect()
}

/// Where a story can't go on, in words.
fn stuck<A: Debug, S: Debug>(
    operations: &[&Operation<A>],
    done: &Done,
    Moment { state, latest, .. }: &Moment<S>,
) -> String {
    let open: Vec<String> = open(operations, done, *latest)
        .into_iter()
        .map(|(_, Operation { called, ended, happened, action })| match happened {
            true => format!("{action:?} at {called}..{ended}"),
            false => format!("{action:?} from {called} on, perhaps"),
        })
        .collect();
    let many = (0..operations.len()).filter(|at| done.has(*at)).count();
    format!("after {many} operations, in {state:?}, none of these can be next: {}", open.join("; "))
}
