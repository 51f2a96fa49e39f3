//! `/api/v1/campaigns`: how a campaign stands, and whether it goes on.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use doorbuster_engine::shard::{Answer, Request};
use doorbuster_ledger::{CampaignCommand, CampaignId, Composite, SetStanding, SkuId, Standing};
use doorbuster_protocol::Code;
use serde::Deserialize;
use serde_json::{Value, json};

use super::clerk::{Clerk, Refused, aside, changed, read};
use crate::campaign;
use crate::convert;

/// What becomes of a campaign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(rename = "do")]
    action: Action,
    by: u64,
    reason: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// Sell nothing until it is resumed. Holds can still be paid.
    Pause,
    /// Go on by the plan.
    Resume,
    /// End it for good.
    End,
}

impl Action {
    const fn standing(self) -> Standing {
        match self {
            Self::Pause => Standing::Paused,
            Self::Resume => Standing::Running,
            Self::End => Standing::Aborted,
        }
    }
}

pub(super) async fn show(State(clerk): State<Arc<Clerk>>, Path(campaign): Path<String>) -> Response {
    aside(move || clerk.campaign(named(&campaign)?, None)).await
}

pub(super) async fn stand(
    State(clerk): State<Arc<Clerk>>,
    Path(campaign): Path<String>,
    body: String,
) -> Response {
    aside(move || {
        let (campaign, Wish { action, by, reason }) = (named(&campaign)?, read(&body)?);
        let set = SetStanding { campaign, standing: action.standing(), by, reason };
        let command = Composite::Campaign(CampaignCommand::SetStanding(set));
        let request = Request::Composite { command, first: 0, count: 0, coupon: None, recall: false };
        let changed = changed(&clerk.ask_all(request)?)?;
        clerk.campaign(campaign, Some(changed))
    })
    .await
}

impl Clerk {
    fn campaign(&self, campaign: CampaignId, changed: Option<bool>) -> Result<Value, Refused> {
        let Answer::Campaign(Some(known)) = self.ask_all(Request::ReadCampaign { campaign })? else {
            return Err(Refused::by(Code::NoSuchCampaign));
        };
        let mut phases = Vec::new();
        for nth in 0..known.phases {
            // Every shard knows them.
            let request = Request::ReadPhase { campaign, plan: 0, nth };
            if let Answer::Phase(Some(phase)) = self.ask(SkuId::default(), request)? {
                phases.push(convert::phase(Some(&phase)));
            }
        }
        let mut document = campaign::document(&convert::campaign(Some(&known)), &phases);
        document["changed"] = json!(changed);
        Ok(document)
    }
}

fn named(text: &str) -> Result<CampaignId, Refused> {
    text.parse()
        .map(CampaignId::new)
        .map_err(|_| Refused::bad(&format!("campaign: {text:?} is no number from 0 to 4294967295")))
}
