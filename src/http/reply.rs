//! What is answered: the only place that maps an outcome to a status code.
//!
//! To a sender of events every status but 200, 201, 202 and 204 means "send it again", and so it does to the
//! queue. What no repetition will mend is therefore acknowledged.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// An outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Taken: queued, done, or none of our business.
    Taken,
    /// Taken, and put aside as poison.
    PutAside,
    /// We do not know who it is.
    Unauthenticated,
    /// We know who it is, and that it may not.
    NotAllowed,
    /// There is no such thing here.
    NotFound,
    /// The body is too large.
    TooLarge,
    /// The headers are too large.
    HeadersTooLarge,
    /// The body did not come whole.
    BrokenOff,
    /// Too much goes on already.
    Overloaded,
    /// The process is about to end.
    Stopping,
    /// Something we depend on failed: it should be sent again.
    Unavailable,
    /// It took too long: it should be sent again.
    TooSlow,
    /// We failed: it should be sent again.
    Crashed,
}

impl Reply {
    /// The status code.
    pub fn status(self) -> StatusCode {
        match self {
            Reply::Taken | Reply::PutAside => StatusCode::NO_CONTENT,
            Reply::Unauthenticated => StatusCode::UNAUTHORIZED,
            Reply::NotAllowed => StatusCode::FORBIDDEN,
            Reply::NotFound => StatusCode::NOT_FOUND,
            Reply::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Reply::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Reply::BrokenOff => StatusCode::BAD_REQUEST,
            Reply::Overloaded | Reply::Stopping | Reply::Unavailable | Reply::TooSlow => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Reply::Crashed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The response, without any detail: who may know more reads the log.
    pub fn response(self) -> HttpResponse {
        HttpResponse::new(self.status())
    }

    /// Its name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Reply::Taken => "taken",
            Reply::PutAside => "put-aside",
            Reply::Unauthenticated => "unauthenticated",
            Reply::NotAllowed => "not-allowed",
            Reply::NotFound => "not-found",
            Reply::TooLarge => "too-large",
            Reply::HeadersTooLarge => "headers-too-large",
            Reply::BrokenOff => "broken-off",
            Reply::Overloaded => "overloaded",
            Reply::Stopping => "stopping",
            Reply::Unavailable => "unavailable",
            Reply::TooSlow => "too-slow",
            Reply::Crashed => "crashed",
        }
    }
}
