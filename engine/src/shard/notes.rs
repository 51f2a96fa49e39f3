//! What a shard has to say in the sold-out directory.

use doorbuster_ledger::{Command, Ledger, Place, Reserve, Returned, SkuId};

use super::state::State;
use crate::directory::{Directory, SoldOut};

impl State {
    /// Wipes out of the directory what units came back to. Before anybody can hear of it: before the events are handed over.
    pub(super) fn wipe_returned(&mut self, directory: &Directory) {
        let (share, sold_out) = (self.ledger.share(), &mut self.sold_out);
        self.ledger.take_returns(|returned| match returned {
            Returned::One(sku) => {
                directory.wipe(sku);
                sold_out.retain(|(known, _)| *known != sku);
            }
            Returned::Many => {
                directory.wipe_all(|partition| share.serves(partition));
                sold_out.clear();
            }
        });
    }
}

/// Keeps a SKU that was refused as sold out, to be noted in the directory, if it truly has nothing: units that are kept for those
/// who wait are no newcomer's, but nobody says when that ends.
#[inline]
pub(super) fn note(
    ledger: &Ledger,
    command: &Command,
    place: Place,
    sold_out: SoldOut,
    known: &mut Vec<(SkuId, SoldOut)>,
) {
    let Command::Reserve(Reserve { sku, .. }) = *command else { return };
    // A crowd asks for one SKU after the other.
    if known.last().is_none_or(|(last, _)| *last != sku) && ledger.is_sold_out(sku, place) {
        known.push((sku, sold_out));
    }
}
