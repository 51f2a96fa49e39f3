//! Orders that left memory: what the server can't show any more, the log does.

use doorbuster_auditor::{Order, Replay, State};
use doorbuster_protocol::{Code, OrderState, OrderView};

/// An order that ended and left memory, as reading it would have shown it before.
pub(super) fn view(replay: &Replay, number: u64) -> Option<OrderView> {
    let Order { placed, state, units, payment_id, .. } =
        *replay.orders.get(&number).filter(|order| order.evicted)?;
    let refunds = replay.payments.range((number, [0; 16])..=(number, [0xFF; 16]));
    let refunds = refunds.map(|(_, ends)| ends.refunds).sum::<u32>();
    Some(OrderView {
        code: Code::Ok.number(),
        state: on_the_wire(state).byte(),
        refunds: u8::try_from(refunds).unwrap_or(u8::MAX),
        quantity: units,
        order: number,
        user: placed.user,
        sku: placed.sku,
        amount: placed.amount,
        request_id: placed.request_id,
        payment_id,
        ..OrderView::default()
    })
}

fn on_the_wire(state: State) -> OrderState {
    match state {
        State::Held => OrderState::Held,
        State::Confirmed => OrderState::Confirmed,
        State::Cancelled => OrderState::Cancelled,
        State::Expired => OrderState::Expired,
        State::Superseded => OrderState::Superseded,
        State::Waiting => OrderState::Waiting,
        State::Lapsed => OrderState::Lapsed,
    }
}
