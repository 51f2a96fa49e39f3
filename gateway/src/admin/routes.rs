//! All that the admin port answers beside the board's own files, in one table: what is served and what `docs/openapi.json` says are held
//! against each other by it.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};

use super::clerk::Clerk;
use super::{
    admission, breakers, campaigns, dev, metrics, plans, readiness, reload, skus, slow_sync, snapshots,
};
use crate::server::Shared;

macro_rules! routes {
    ($router:ident, $($path:literal: $($method:ident $handler:path),+;)+) => {
        /// Paths, and methods of each.
        #[cfg(test)]
        pub(super) const ROUTES: &[(&str, &[&str])] = &[$(($path, &[$(stringify!($method)),+]),)+];

        fn routed($router: Router<Parts>) -> Router<Parts> {
            $router$(.route($path, routes!(@methods $($method $handler),+)))+
        }
    };
    (@methods $method:ident $handler:path) => { $method($handler) };
    (@methods $first:ident $one:path, $second:ident $other:path) => { $first($one).$second($other) };
}

routes! { router,
    "/healthz": get healthz;
    "/readyz": get readiness::readyz;
    "/metrics": get metrics::metrics;
    "/breakers": get breakers::show, post breakers::set;
    "/plans": get plans::show, post plans::wish;
    "/api/v1/skus/{sku}": get skus::show, post skus::put;
    "/api/v1/skus/{sku}/restock": post skus::restock;
    "/api/v1/skus/{sku}/moves": post skus::move_units;
    "/api/v1/skus/{sku}/limits": post skus::limit;
    "/api/v1/skus/{sku}/freeze": post skus::freeze;
    "/api/v1/skus/{sku}/channels/{channel}": post skus::allot;
    "/api/v1/campaigns/{campaign}": get campaigns::show, post campaigns::stand;
    "/api/v1/admission": get admission::show;
    "/api/v1/snapshots": get snapshots::show, post snapshots::wish;
    "/reload": post reload::wish;
    "/dev/advance": post dev::advance;
    "/dev/slow-sync": post slow_sync::set;
}

/// Serves all of them.
pub(super) fn all(shared: &Arc<Shared>) -> Router {
    let clerk = Clerk::new(Arc::clone(shared));
    routed(Router::new()).with_state(Parts { shared: Arc::clone(shared), clerk })
}

/// What handlers work with.
#[derive(Clone, Debug)]
struct Parts {
    shared: Arc<Shared>,
    clerk: Arc<Clerk>,
}

impl FromRef<Parts> for Arc<Shared> {
    fn from_ref(parts: &Parts) -> Self {
        Self::clone(&parts.shared)
    }
}

impl FromRef<Parts> for Arc<Clerk> {
    fn from_ref(parts: &Parts) -> Self {
        Self::clone(&parts.clerk)
    }
}

async fn healthz() -> &'static str {
    "ok\n"
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_served_and_what_is_documented_are_the_same() {
        let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let mut documented: Vec<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().expect("methods").keys().filter(|key| *key != "parameters");
                methods.map(|method| (path.clone(), method.clone()))
            })
            .collect();
        let served = ROUTES.iter().flat_map(|(path, methods)| {
            methods.iter().map(|method| ((*path).to_owned(), (*method).to_owned()))
        });
        let mut served: Vec<(String, String)> = served.collect();
        documented.sort();
        served.sort();
        assert_eq!(served, documented);
    }
}
