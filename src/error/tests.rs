//! The taxonomy, line by line.

use super::*;

fn error(status: u16, reason: &str, message: &str) -> CloudError {
    CloudError::new("call", Failure::Status(status), message).with_reason(reason)
}

/// A disposition without its times and texts.
fn verdict(disposition: &Disposition) -> String {
    match disposition {
        Disposition::Again => "again".into(),
        Disposition::Retry(_) => "retry".into(),
        Disposition::Wait(wait) => format!("wait {:?}", wait.kind),
        Disposition::Terminal => "terminal".into(),
    }
}

#[test]
#[rustfmt::skip]
fn what_each_error_means() {
    for (status, reason, message, expected) in [
        (429, "", "Too many requests", "retry"),
        (429, "RESOURCE_EXHAUSTED", "slow down", "retry"),
        (429, "RATE_LIMIT_EXCEEDED", "slow down", "retry"),
        (429, "QUOTA_EXCEEDED", "no more addresses", "terminal"),
        (403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'", "retry"),
        (403, "PERMISSION_DENIED", "Quota exceeded for quota metric 'Read requests'", "retry"),
        (429, "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", "", "wait Operation"),
        (403, "quotaExceeded", "Quota 'CPUS' exceeded. Limit: 24.0 in region europe-west1.", "terminal"),
        (403, "SERVICE_DISABLED", "", "wait Operation"),
        (403, "accessNotConfigured", "", "wait Operation"),
        (403, "forbidden", "Permission 'iam.serviceAccounts.get' denied on resource (or it may not exist).", "wait Dependency"),
        (403, "Forbidden", "GKE Warden rejected the request because it violates one or more constraints.", "terminal"),
        (403, "Forbidden", "unable to create new content in namespace dify because it is being terminated", "wait Operation"),
        (403, "PERMISSION_DENIED", "The caller does not have permission", "terminal"),
        (400, "resourceNotReady", "The resource 'networks/n' is not ready", "wait Operation"),
        (400, "failedPrecondition", "Another activation or deactivation is in progress", "wait Operation"),
        (400, "", "There is a peering operation in progress on the local or peer network.", "wait Operation"),
        (400, "FAILED_PRECONDITION", "key version is PENDING_GENERATION", "wait Operation"),
        (400, "INVALID_ARGUMENT", "Service account a@p.iam.gserviceaccount.com does not exist.", "wait Dependency"),
        (400, "INVALID_ARGUMENT", "Service account name is too long", "terminal"),
        (400, "FAILED_PRECONDITION", "The provided etag is out of date", "again"),
        (400, "INVALID_ARGUMENT", "bad tier", "terminal"),
        (400, "resourceInUseByAnotherResource", "The address is in use", "wait Dependency"),
        (409, "operationInProgress", "Operation failed because another operation was already in progress.", "wait Operation"),
        (409, "invalidState", "", "wait Operation"),
        (409, "ABORTED", "There were concurrent policy changes", "again"),
        (409, "alreadyExists", "", "again"),
        (409, "instanceAlreadyExists", "The Cloud SQL instance already exists.", "again"),
        (409, "AlreadyExists", "object is being deleted: jobs.batch \"a\" already exists", "wait Operation"),
        (409, "ABORTED", "Too many concurrent edits to the project configuration", "retry"),
        (409, "Conflict", "the object has been modified", "again"),
        (410, "Expired", "too old", "again"),
        (412, "conditionNotMet", "Precondition Failed", "again"),
        (404, "NOT_FOUND", "instance not there", "wait Dependency"),
        (404, "notFound", "Unknown project id: p", "terminal"),
        (401, "UNAUTHENTICATED", "", "terminal"),
        (422, "Invalid", "immutable", "terminal"),
        (500, "", "", "retry"),
        (500, "", "failed to create typed patch object (/b; /v1, Kind=ConfigMap): .dota: field not declared in schema", "terminal"),
        (500, "InternalError", "Internal error occurred: failed calling webhook", "retry"),
        (502, "", "", "retry"),
        (503, "", "", "retry"),
        (504, "", "", "retry"),
    ] {
        assert_eq!(verdict(&error(status, reason, message).disposition()), expected, "{status} {reason} {message}");
    }
}

#[test]
fn without_an_answer_it_is_worth_another_try() {
    for failure in [Failure::Connect, Failure::NoAnswer, Failure::Malformed] {
        assert_eq!(verdict(&CloudError::new("call", failure, "").disposition()), "retry");
    }
    assert_eq!(verdict(&CloudError::new("call", Failure::Credentials, "").disposition()), "terminal");
    let failed = |reason: &str| CloudError::new("call", Failure::Operation, "").with_reason(reason);
    assert_eq!(verdict(&failed("operationInProgress").disposition()), "wait Operation");
    assert_eq!(verdict(&failed("QUOTA_EXCEEDED").disposition()), "terminal");
}

#[test]
fn only_what_passes_and_cannot_be_done_twice_is_sent_again_at_once() {
    for (status, message, once, again) in [
        (503, "", false, true),
        (429, "", true, true),
        (500, "field not declared in schema", false, false),
        (504, "", false, false),
        (409, "", false, false),
    ] {
        let error = error(status, "", message);
        assert_eq!(
            (error.is_transient(false), error.is_transient(true)),
            (once, again),
            "{status} {message}"
        );
    }
}

#[test]
fn what_the_clusters_policy_refuses_is_final_whatever_else_it_says() {
    for phrase in WARDEN {
        let refusal = error(403, "Forbidden", &format!("{phrase}: too many pods per minute"));
        assert_eq!(verdict(&refusal.disposition()), "terminal", "{phrase}");
    }
}

#[test]
fn the_api_may_name_its_own_time() {
    let mut busy = error(503, "", "");
    busy.retry_after = Some(Duration::from_secs(40));
    assert_eq!(busy.disposition(), Disposition::Retry(Duration::from_secs(40)));
}

#[test]
fn the_text_has_no_secret() {
    let text =
        error(400, "INVALID_ARGUMENT", "bad user: password=hunter2 for postgres://a:hunter3@db").to_string();
    assert_eq!(
        text,
        "call: 400: INVALID_ARGUMENT: bad user: password=(sensitive) for postgres://a:(sensitive)@db"
    );
}
