//! The served documents equal those generated from the code. `UPDATE_EXPECT=1 cargo test -p orderflow-tests --test documents` updates them.

use expect_test::expect_file;
use orderflow_embedded::Location;

use crate::served::system;

#[tokio::test]
async fn openapi_is_generated_from_the_routes() {
    let document = orderflow_documents::openapi(system(Location::Memory).await.local_routes().into_openapi());
    let text = document.to_pretty_json().unwrap() + "\n";
    expect_file!["../../shared/documents/openapi.json"].assert_eq(&text);
}

#[test]
fn asyncapi_is_generated_from_the_events() {
    let text = serde_json::to_string_pretty(&orderflow_documents::asyncapi()).unwrap() + "\n";
    expect_file!["../../shared/documents/asyncapi.json"].assert_eq(&text);
}
