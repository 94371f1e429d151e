//! A request's body that says when its client is waited for.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::body::{Body, Frame, SizeHint};

use crate::http::connections::activity::Activity;

/// A body whose connection counts as idle while more of it is waited for.
pub struct Upload<B: Body> {
    body: B,
    /// `None` where the body has arrived already: there is nobody to wait for.
    activity: Option<Arc<Activity>>,
}

impl<B: Body> Upload<B> {
    /// `body`, which tells `activity`.
    pub fn new(body: B, activity: &Arc<Activity>) -> Self {
        let activity = (!body.is_end_stream()).then(|| Arc::clone(activity));
        Self { body, activity }
    }
}

impl<B: Body + Unpin> Body for Upload<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Some(activity) = &self.activity {
            activity.await_body(frame.is_pending());
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

impl<B: Body> Drop for Upload<B> {
    fn drop(&mut self) {
        if let Some(activity) = &self.activity {
            activity.await_body(false);
            activity.leave_body(!self.body.is_end_stream());
        }
    }
}
