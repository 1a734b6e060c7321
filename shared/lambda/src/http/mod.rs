//! Serves the routes of a bundle: reads the event of API Gateway, and writes the response in its format.

mod event;
mod response;

use axum::Router;
use orderflow_http::refuse;
use tower::ServiceExt;

use crate::Error;

pub(crate) use event::HttpEvent;
pub(crate) use response::HttpResponse;

/// Returns the response of the router to the request of an event. A request that cannot be built is refused.
pub(crate) async fn answer(router: Router, event: HttpEvent) -> Result<HttpResponse, Error> {
    let response = match event.into_request() {
        Ok(request) => router.oneshot(request).await?,
        Err(problem) => refuse(problem),
    };
    HttpResponse::read(response).await
}
