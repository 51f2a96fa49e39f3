//! What happens to campaigns, and to SKUs because of them, in sentences.

use doorbuster_client::{EventKind, FeedEvent};

use super::stock::who;
use crate::sku::Sku;
use crate::utc::Utc;

/// `None` for other events.
pub(super) fn sentence(event: &FeedEvent, price: &str) -> Option<String> {
    let FeedEvent { sku, to: campaign, units: plan, .. } = *event;
    let sku = Sku(sku);
    let who = who(event);
    let phase = event.channel.saturating_add(1);
    Some(match event.kind()? {
        EventKind::PhasePut => format!(
            "Phase {phase} of plan {plan} of campaign {campaign} was written: it starts {}{who}.",
            Utc(event.until)
        ),
        EventKind::PlanActivated => format!("Campaign {campaign} follows plan {plan}{who}."),
        EventKind::CampaignStood => match event.units {
            1 => format!("Campaign {campaign} was paused{who}."),
            2 => format!("Campaign {campaign} was ended for good{who}."),
            _ => format!("Campaign {campaign} goes on{who}."),
        },
        EventKind::PhaseEntered => format!("Phase {phase} of plan {plan} of campaign {campaign} has begun."),
        EventKind::SkuBound if campaign == 0 => {
            format!("SKU {sku} belongs to no campaign any more{who}.")
        }
        EventKind::SkuBound => format!("SKU {sku} is sold by campaign {campaign} from then on{who}."),
        EventKind::PriceSet => {
            format!("SKU {sku} costs {price} by version {} of the prices{who}.", event.units)
        }
        EventKind::LimitsSet => {
            let most = |limit: u32| if limit == 0 { "any number".to_owned() } else { limit.to_string() };
            let (shopper, order) = (most(event.user_limit), most(event.order_limit));
            format!("Of SKU {sku}, a shopper may have {shopper} and an order {order}{who}.")
        }
        EventKind::FreezeSet if event.units == 0 => format!("SKU {sku} is sold again from then on{who}."),
        EventKind::FreezeSet => {
            format!("SKU {sku} was frozen: open holds went on, and nobody else got units{who}.")
        }
        _ => return None,
    })
}
