//! What is known of an operator's frame when it comes, kept until it is known what came of it.

use std::fmt;
use std::net::SocketAddr;

use doorbuster_protocol::{
    Answer, BindSku, Code, FreezeSku, FundBudget, Header, Inspect, IssueCoupons, Kind, PutPhase, PutPrice,
    PutSku, Rebalance, Record, Restock, SetBudget, SetCampaign, SetChannel, SetLimits, SetOnHand, StopBudget,
    body,
};

use super::{TARGET, Whence, is_told};
use crate::keys::Pass;
use crate::sku::Sku;

/// Things that a line names; of more, it says how many.
const MOST_NAMED: usize = 8;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Entry {
    who: String,
    from: Whence,
    on: String,
}

impl Entry {
    /// Of a frame that has a line.
    #[inline]
    pub(crate) fn where_told(
        pass: &Pass,
        from: Option<SocketAddr>,
        header: &Header,
        content: &[u8],
    ) -> Option<Box<Self>> {
        is_told(header.kind).then(|| Box::new(Self::of(pass.who(), from, header, content)))
    }

    /// Of any frame.
    pub(crate) fn of(who: &str, from: Option<SocketAddr>, header: &Header, content: &[u8]) -> Self {
        Self { who: who.to_owned(), from: Whence(from), on: things(header, content) }
    }

    /// Says what came of the frame, by the records of its answers.
    pub(crate) fn tell(&self, kind: Kind, operations: u32, answers: &[u8]) {
        let Self { who, from, on } = self;
        let outcome = outcomes(answers);
        tracing::info!(target: TARGET, who, %from, what = kind.name(), on, operations, outcome);
    }

    /// Says that nothing was done, and why.
    pub(crate) fn tell_refused(&self, header: &Header, code: Code) {
        let Self { who, from, on } = self;
        let (kind, operations) = (header.kind, header.count);
        tracing::info!(target: TARGET, who, %from, what = kind.name(), on, operations, outcome = code.name());
    }
}

/// How many operations came to which code, in the order in which the codes came first.
fn outcomes(answers: &[u8]) -> String {
    let mut counts: Vec<(u16, u32)> = Vec::new();
    for code in answers.chunks_exact(Answer::MIN_LEN).filter_map(<[u8]>::first_chunk::<2>) {
        let code = u16::from_le_bytes(*code);
        match counts.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => counts.push((code, 1)),
        }
    }
    let name = |code| Code::from_number(code).map_or("?", Code::name);
    if let [(code, _)] = counts[..] {
        return name(code).to_owned();
    }
    let each = counts.iter().map(|(code, count)| format!("{count} {}", name(*code)));
    each.collect::<Vec<_>>().join(", ")
}

/// What a frame is about.
fn things(header: &Header, content: &[u8]) -> String {
    let mut list = List::default();
    let of = &mut list;
    // Of a frame that is cut short, what is there is named; it is refused anyway.
    let _whole = match header.kind {
        Kind::PutSku => each(header, content, |one: PutSku| of.add("SKU", Sku(one.sku))),
        Kind::Restock => each(header, content, |one: Restock| of.add("SKU", Sku(one.sku))),
        Kind::SetLimits => each(header, content, |one: SetLimits| of.add("SKU", Sku(one.sku))),
        Kind::FreezeSku => each(header, content, |one: FreezeSku| {
            of.add(if one.frozen == 0 { "unfreeze SKU" } else { "freeze SKU" }, Sku(one.sku));
        }),
        Kind::BindSku => each(header, content, |one: BindSku| {
            of.add("SKU", format_args!("{} to campaign {}", Sku(one.sku), one.campaign));
        }),
        Kind::PutPrice => each(header, content, |one: PutPrice| {
            of.add("SKU", format_args!("{} version {}", Sku(one.sku), one.version));
        }),
        Kind::SetChannel => each(header, content, |one: SetChannel| {
            of.add("SKU", format_args!("{} channel {}", Sku(one.sku), one.channel));
        }),
        Kind::Rebalance => each(header, content, |one: Rebalance| {
            of.add("SKU", format_args!("{} channels {} to {}", Sku(one.sku), one.from, one.to));
        }),
        Kind::SetOnHand => each(header, content, |one: SetOnHand| of.add("SKU", Sku(one.sku))),
        Kind::Inspect => each(header, content, |one: Inspect| of.add("SKU", Sku(one.sku))),
        Kind::PutPhase => each(header, content, |one: PutPhase| {
            of.add("campaign", format_args!("{} plan {} phase {}", one.campaign, one.plan, one.nth));
        }),
        Kind::SetCampaign => each(header, content, |one: SetCampaign| of.add("campaign", one.campaign)),
        Kind::SetBudget => each(header, content, |one: SetBudget| of.add("budget", one.budget)),
        Kind::FundBudget => each(header, content, |one: FundBudget| of.add("budget", one.budget)),
        Kind::StopBudget => each(header, content, |one: StopBudget| of.add("budget", one.budget)),
        Kind::IssueCoupons => each(header, content, |one: IssueCoupons| of.add("coupons", one.batch)),
        _ => Ok(()),
    };
    list.text()
}

fn each<R: Record>(
    header: &Header,
    content: &[u8],
    one: impl FnMut(R),
) -> Result<(), doorbuster_protocol::ProtocolError> {
    body::read(header, content, one)
}

/// The first few things by name, and how many there are.
#[derive(Debug, Default)]
struct List {
    named: Vec<String>,
    unnamed: usize,
}

impl List {
    fn add(&mut self, what: &str, which: impl fmt::Display) {
        if self.named.len() < MOST_NAMED {
            self.named.push(format!("{what} {which}"));
        } else {
            self.unnamed += 1;
        }
    }

    fn text(&self) -> String {
        let named = self.named.join(", ");
        if self.unnamed == 0 { named } else { format!("{named} and {} more", self.unnamed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed<R: Record>(kind: Kind, records: &[R]) -> (Header, Vec<u8>) {
        let mut content = Vec::new();
        for record in records {
            body::put(record, &mut content);
        }
        (Header::new(kind, 1, u32::try_from(records.len()).unwrap()), content)
    }

    fn said<R: Record>(kind: Kind, records: &[R]) -> String {
        let (header, content) = framed(kind, records);
        things(&header, &content)
    }

    #[test]
    fn what_a_frame_is_about_is_named_and_a_long_list_is_cut() {
        let freeze = |sku, frozen| FreezeSku { sku, frozen, ..FreezeSku::default() };
        assert_eq!(said(Kind::FreezeSku, &[freeze(7, 1), freeze(8, 0)]), "freeze SKU 7, unfreeze SKU 8");
        let many: Vec<PutSku> = (1..=20).map(|sku| PutSku { sku, ..PutSku::default() }).collect();
        let text = said(Kind::PutSku, &many);
        assert!(text.starts_with("SKU 1, SKU 2, ") && text.ends_with("SKU 8 and 12 more"), "{text}");
        let moved = Rebalance { sku: 7, from: 1, to: 2, ..Rebalance::default() };
        assert_eq!(said(Kind::Rebalance, &[moved]), "SKU 7 channels 1 to 2");
    }

    #[test]
    fn outcomes_are_counted_by_code() {
        let bytes = |codes: &[Code]| {
            let mut bytes = Vec::new();
            for code in codes {
                body::put(&Answer::of(*code), &mut bytes);
            }
            bytes
        };
        assert_eq!(outcomes(&bytes(&[Code::Ok, Code::Ok])), "OK");
        assert_eq!(outcomes(&bytes(&[Code::Ok, Code::SkuExists, Code::Ok])), "2 OK, 1 SKU_EXISTS");
    }
}
