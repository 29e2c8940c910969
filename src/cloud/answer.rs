//! An HTTP answer, and the error that it may hold.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::error::{CloudError, Failure};

/// A whole HTTP answer.
#[derive(Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, which may hold secrets.
    pub body: Bytes,
}

impl Answer {
    /// The answer when it is a good one, or the error that it is.
    ///
    /// # Errors
    /// When its status is not one of success.
    pub fn checked(self, call: &str) -> Result<Self, CloudError> {
        if self.status.is_success() { Ok(self) } else { Err(self.error(call)) }
    }

    /// The body as JSON; `null` when there is none.
    ///
    /// # Errors
    /// When it is something else. The error holds nothing of it.
    pub fn json(&self, call: &str) -> Result<Value, CloudError> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            // The text of the error has no part of the body but a position.
            CloudError::new(call, Failure::Malformed, format!("not JSON: {}", error.classify_text()))
        })
    }

    /// The error that this answer is.
    pub fn error(&self, call: &str) -> CloudError {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or(Value::Null);
        let (reason, message) = match body.get("error") {
            Some(error) => google_error(error),
            None => kubernetes_error(&body),
        };
        let message = if message.is_empty() && body.is_null() { self.plain_text() } else { message };
        let mut error =
            CloudError::new(call, Failure::Status(self.status.as_u16()), message).with_reason(reason);
        error.retry_after = self.retry_after();
        error
    }

    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.header("retry-after")?.parse().ok()?;
        // Nobody is believed who asks for more than ten minutes.
        Some(Duration::from_secs(seconds.min(600)))
    }

    /// A short plain text body (as Cloud Storage gives for media); nothing of an HTML page.
    fn plain_text(&self) -> String {
        let text = std::str::from_utf8(&self.body).unwrap_or_default().trim();
        if text.starts_with('<') || text.len() > 300 { String::new() } else { text.to_owned() }
    }
}

/// `{"code", "message", "status", "errors": [{"reason"}], "details": [{"@type": …ErrorInfo, "reason"}]}`,
/// of which each API sends its own half; the token endpoint sends plain text under `error`.
fn google_error(error: &Value) -> (String, String) {
    if let Some(text) = error.as_str() {
        return (text.to_owned(), String::new());
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let info = details.filter(|detail| {
        detail.get("@type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("ErrorInfo"))
    });
    let reason = text(info.filter_map(|detail| detail.get("reason")).next())
        .or_else(|| text(error.pointer("/errors/0/reason")))
        .or_else(|| text(error.get("status")));
    (reason.unwrap_or_default(), text(error.get("message")).unwrap_or_default())
}

/// `{"kind": "Status", "reason", "message", "details": {"causes": [{"reason"}]}}`.
fn kubernetes_error(body: &Value) -> (String, String) {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let cause = text("/details/causes/0/reason");
    let reason = if cause == "NamespaceTerminating" { cause } else { text("/reason") };
    (reason, text("/message"))
}

trait ClassifyText {
    fn classify_text(&self) -> String;
}

impl ClassifyText for serde_json::Error {
    fn classify_text(&self) -> String {
        format!("{:?} error in line {}, column {}", self.classify(), self.line(), self.column())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn each_way_of_saying_no_is_read() {
        for (body, reason, message) in [
            (
                r#"{"error":{"code":409,"message":"m","errors":[{"reason":"operationInProgress"}]}}"#,
                "operationInProgress",
                "m",
            ),
            (
                r#"{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED","details":[{"@type":"t/google.rpc.Help"},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED"}]}}"#,
                "SERVICE_DISABLED",
                "m",
            ),
            (r#"{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}"#, "NOT_FOUND", "m"),
            (
                r#"{"kind":"Status","status":"Failure","message":"m","reason":"Conflict","code":409}"#,
                "Conflict",
                "m",
            ),
            (
                r#"{"kind":"Status","message":"m","reason":"Forbidden","details":{"causes":[{"reason":"NamespaceTerminating"}]}}"#,
                "NamespaceTerminating",
                "m",
            ),
            ("No such object: b/o", "", "No such object: b/o"),
            ("<html>502 Bad Gateway</html>", "", ""),
        ] {
            let error = answer(400, body).error("call");
            assert_eq!((error.reason.as_str(), error.message.as_str()), (reason, message), "{body}");
        }
    }

    #[test]
    fn an_unreadable_body_is_not_repeated_in_the_error() {
        let error = answer(200, "{\"data\": hunter2}").json("call").unwrap_err();
        assert_eq!(error.failure, Failure::Malformed);
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(answer(204, "").json("call").unwrap(), Value::Null);
    }
}
