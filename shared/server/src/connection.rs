//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::activity::Activity;
use crate::framing::BodyLength;
use crate::stream::ObservedStream;

/// The most bytes of a head, and of what is buffered in each direction.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves a connection until it ends, is over one of its deadlines, or is evicted. After `stop` the open request is answered.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    activity: Arc<Activity>,
    mut stop: watch::Receiver<bool>,
) {
    let mut ended = pin!(activity.ended());
    // A connection without a request costs no buffer.
    tokio::select! {
        biased;
        readable = stream.readable() => if readable.is_err() { return },
        () = &mut ended => return,
        _ = stop.wait_for(|stop| *stop) => return,
    }
    let io = TokioIo::new(ObservedStream::new(stream, Arc::clone(&activity)));
    let service = service_fn(|request| answer(&router, peer, &activity, request));
    let connection = http1::Builder::new().max_buf_size(BUFFER_BYTES).serve_connection(io, service);
    let mut connection = pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            result = &mut connection => {
                if let Err(error) = result {
                    tracing::trace!(%error, "a connection failed");
                }
                return;
            }
            () = &mut ended => {
                tracing::debug!(%peer, "closed a connection whose client was too slow or idle");
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                connection.as_mut().graceful_shutdown();
                stopping = true;
            }
        }
    }
}

async fn answer(
    router: &Router,
    peer: SocketAddr,
    activity: &Arc<Activity>,
    mut request: Request<Incoming>,
) -> Result<Response<ObservedBody>, Infallible> {
    activity.requested(length(request.body()));
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.clone().oneshot(request.map(|body| observed(body, activity))).await?;
    let activity = Answering(Arc::clone(activity));
    Ok(response.map(|body| ObservedBody { body, _answering: activity }))
}

fn length(body: &Incoming) -> BodyLength {
    body.size_hint().exact().map_or(BodyLength::Chunked, BodyLength::Bytes)
}

fn observed(body: Incoming, activity: &Arc<Activity>) -> Body {
    if body.is_end_stream() {
        Body::empty()
    } else {
        Body::new(ArrivingBody { body, activity: Arc::clone(activity) })
    }
}

/// The body of a request, which reports whether the handler waits for it.
struct ArrivingBody {
    body: Incoming,
    activity: Arc<Activity>,
}

impl HttpBody for ArrivingBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_pending() {
            self.activity.waits_for_body();
        } else {
            self.activity.body_arrived();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ArrivingBody {
    fn drop(&mut self) {
        self.activity.body_arrived();
    }
}

/// Reports the end of an answer when it is dropped.
struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answered();
    }
}

/// The body of an answer. hyper drops it when it has taken the whole of it.
struct ObservedBody {
    body: Body,
    _answering: Answering,
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
