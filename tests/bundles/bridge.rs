//! The unmodified bundles, invoked with messages of RabbitMQ, as by `orderflow bridge --invoke`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use orderflow_bridge::rabbitmq::BrokerAddress;
use orderflow_engine::Location;
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_system::{BrokerLocation, Functions, Invocation, Parts, Settings, StoreLocation, System};
use orderflow_testing::rabbitmq::RabbitMq;
use serde_json::json;

use crate::api::Api;
use crate::facts::{order_body, product_body};
use crate::world::{PREFIX, World};

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_confirmed_over_rabbitmq_and_the_bundles() {
    let world = World::open().await;
    let broker = RabbitMq::start().await.unwrap();
    let (shop, intake) = (Api(world.start("shop-api").await), Api(world.start("order-intake").await));
    let (mut functions, mut endpoints) = (Vec::new(), BTreeMap::new());
    for row in SUBSCRIPTIONS {
        let function = world.start(row.consumer).await;
        endpoints.insert(row.consumer, function.endpoint().parse().unwrap());
        functions.push(function);
    }
    let invocation = Invocation {
        endpoint: None,
        endpoints,
        function_name: "function".to_owned(),
        call_timeout: Duration::from_secs(30),
    };
    let settings = Settings {
        store: StoreLocation::Endpoint(world.dynamodb().parse().unwrap()),
        prefix: PREFIX.to_owned(),
        broker: Some(BrokerLocation::RabbitMq(BrokerAddress {
            uri: broker.uri().parse().unwrap(),
            ca_certificates: None,
        })),
        parts: Parts::background(),
        functions: Functions::Invoked(invocation),
        ..Settings::new(Location::Memory)
    };
    let bridge = System::open(settings).await.unwrap().start();

    shop.post("/api/v1/products", &product_body("MUG", 5)).await.expect(201);
    let order = intake.post("/api/v1/orders", &order_body("MUG", 2)).await.expect(202);
    let id = order["id"].as_str().unwrap();
    let refused = intake.post("/api/v1/orders", &order_body("MUG", 9)).await.expect(202);
    let told = async |id: &str| {
        let body = shop.get(&format!("/api/v1/notifications?order_id={id}")).await.expect(200);
        body["notifications"][0]["template"].as_str().map(str::to_owned)
    };
    let started = Instant::now();
    while told(id).await.is_none() || told(refused["id"].as_str().unwrap()).await.is_none() {
        assert!(started.elapsed() < PATIENCE, "{:?}", intake.get(&format!("/api/v1/orders/{id}")).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let order = intake.get(&format!("/api/v1/orders/{id}")).await.expect(200);
    assert_eq!(order["status"], "confirmed");
    let level = shop.get("/api/v1/inventory/MUG").await.expect(200);
    assert_eq!(level, json!({"sku": "MUG", "available": 3, "reserved": 2}));
    bridge.stop().await;
}
