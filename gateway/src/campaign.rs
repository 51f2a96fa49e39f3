//! How a campaign is shown to people and programs, by the command line and over the admin port.

use doorbuster_protocol::{CampaignView, PhaseView};

/// The names of stages, by their number on the wire.
pub(crate) const STAGES: [&str; 5] = ["warm-up", "live", "sustain", "wrap-up", "closed"];

/// The names of standings, by their number on the wire.
pub(crate) const STANDINGS: [&str; 3] = ["running", "paused", "ended"];

/// How a campaign stands, as programs read it.
pub(crate) fn document(known: &CampaignView, phases: &[PhaseView]) -> serde_json::Value {
    let phase = |view: &PhaseView| {
        let phase = &view.phase;
        serde_json::json!({
            "start_ms": phase.start,
            "stage": STAGES.get(usize::from(phase.stage)),
            "min_tier": phase.min_tier,
            "channels": phase.channels.get(..usize::from(phase.channel_count)),
            "user_limit": phase.user_limit,
            "order_limit": phase.order_limit,
            "group_limit": phase.group_limit,
            "price_version": phase.price_version,
        })
    };
    serde_json::json!({
        "schema_version": 1,
        "campaign": known.campaign,
        "standing": STANDINGS.get(usize::from(known.standing)),
        "stage": STAGES.get(usize::from(known.stage)),
        "plan": known.plan,
        "phase": (known.phase != u8::MAX).then_some(known.phase),
        "phases": phases.iter().map(phase).collect::<Vec<_>>(),
        "next_start_ms": known.next_start,
        "skus": known.skus,
        "price_version": known.price_version,
        "unpriced": known.unpriced,
    })
}
