//! What `orderflow up` tells the person who started it.

use std::net::SocketAddr;
use std::path::absolute;

use orderflow_engine::Location;
use orderflow_system::{EmbeddedStore, StoreLocation};

use crate::serving::reachable;

/// An order of a demo product.
const ORDER: &str =
    r#"{"customer_id":"C100","email":"c100@example.com","items":[{"sku":"TSHIRT-BLK-M","quantity":2}]}"#;

/// Returns where the pages and the data are, and commands to try.
pub(super) fn text(address: SocketAddr, store: &StoreLocation) -> String {
    let url = format!("http://{}", reachable(address));
    format!(
        "console  {url}/\n\
         API      {url}/docs\n\
         data     {}\n\
         Place an order, and look at it:\n  \
         curl -s -X POST {url}/api/v1/orders -H 'content-type: application/json' -d '{ORDER}'\n  \
         curl -s '{url}/api/v1/orders?limit=1'\n\
         Ctrl-C stops the shop.\n",
        place_of(store)
    )
}

fn place_of(store: &StoreLocation) -> String {
    match store {
        StoreLocation::Embedded(EmbeddedStore { location: Location::Memory, .. }) => {
            "in memory; it is lost when the shop stops".to_owned()
        }
        StoreLocation::Embedded(EmbeddedStore { location: Location::Directory(directory), .. }) => {
            let directory = absolute(directory).unwrap_or_else(|_| directory.clone());
            format!("{}; the next start continues with it", directory.display())
        }
        StoreLocation::Given(_) => "in a store of this process".to_owned(),
        StoreLocation::Endpoint(endpoint) => format!("at {endpoint}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_the_pages_and_the_data_are() {
        let address = "0.0.0.0:81".parse().unwrap();
        let directory = StoreLocation::Embedded(Location::Directory("shop".into()).into());
        let here = std::env::current_dir().unwrap();
        let welcome = text(address, &directory);
        assert!(welcome.starts_with("console  http://127.0.0.1:81/\nAPI      http://127.0.0.1:81/docs\n"));
        assert!(
            welcome.contains(&format!("data     {}; the next", here.join("shop").display())),
            "{welcome}"
        );
        let endpoint = StoreLocation::Endpoint("http://127.0.0.1:8000".parse().unwrap());
        assert!(text(address, &endpoint).contains("data     at http://127.0.0.1:8000\n"));
        assert!(
            text(address, &StoreLocation::Embedded(Location::Memory.into())).contains("data     in memory")
        );
    }
}
