//! What is told, when, and under which id.

use super::*;
use crate::condition::Reason;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn status(conditions: &[(Slice, ConditionType, Reason)]) -> Status {
    let condition = |(slice, kind, reason): &(Slice, ConditionType, Reason)| Condition {
        slice: *slice,
        kind: *kind,
        reason: *reason,
        message: "why".into(),
    };
    Status {
        deployment: "prod".into(),
        conditions: conditions.iter().map(condition).collect(),
        observed_at: Some(at(0)),
        ..Status::default()
    }
}

fn workload(kind: ConditionType, reason: Reason) -> Status {
    status(&[(Slice::Workload, kind, reason)])
}

fn ready() -> Status {
    workload(ConditionType::Ready, Reason::Converged)
}

fn stalled() -> Status {
    workload(ConditionType::Stalled, Reason::RolloutFailed)
}

fn entry(second: i64, what: &str) -> Happened {
    Happened { about: None, at: at(second), generation: 1, cause: "test".into(), what: what.into() }
}

/// Tells at each of these times how it stands then; answers how many notices each time had.
fn told_in_turn(looks: &[(i64, Status)]) -> Vec<usize> {
    let mut told: Option<Told> = None;
    let mut counts = Vec::new();
    for (second, status) in looks {
        let news = news(told.as_ref(), status, at(*second));
        counts.push(news.notices.len());
        told = Some(news.told);
    }
    counts
}

#[test]
fn a_change_is_told_once_and_what_has_not_changed_is_not() {
    let looks = [(0, ready()), (100, stalled()), (101, stalled()), (900, stalled()), (901, ready())];
    assert_eq!(told_in_turn(&looks), [0, 1, 0, 0, 1]);
}

#[test]
fn taking_steps_and_waiting_in_turn_is_no_news_but_another_reason_to_stall_is() {
    let going = |reason| workload(ConditionType::Reconciling, reason);
    let looks = [
        (0, going(Reason::Progressing)),
        (100, going(Reason::Waiting)),
        (200, stalled()),
        (300, workload(ConditionType::Stalled, Reason::CallFailed)),
    ];
    assert_eq!(told_in_turn(&looks), [1, 0, 1, 1]);
}

#[test]
fn what_comes_back_within_the_hold_down_is_not_told() {
    let looks = [(0, ready()), (100, stalled()), (110, ready()), (120, stalled()), (200, stalled())];
    assert_eq!(told_in_turn(&looks), [0, 1, 0, 0, 0]);
}

#[test]
fn what_stays_changed_is_told_when_the_hold_down_is_over() {
    let told = news(None, &stalled(), at(100)).told;
    let held = news(Some(&told), &ready(), at(110));
    assert_eq!((held.notices.len(), held.held_until), (0, Some(at(160))));
    let after = news(Some(&held.told), &ready(), at(160));
    assert_eq!((after.notices.len(), after.held_until), (1, None));
}

#[test]
fn one_change_has_one_id_and_the_same_change_later_has_another() {
    let first = news(None, &ready(), at(0)).told;
    let change = news(Some(&first), &stalled(), at(100));
    // The process died before it could note what it had told.
    let again = news(Some(&first), &stalled(), at(500));
    assert_eq!(change.notices[0].id, again.notices[0].id);
    let back = news(Some(&change.told), &ready(), at(600));
    let later = news(Some(&back.told), &stalled(), at(700));
    assert_eq!(later.notices.len(), 1);
    assert_ne!(later.notices[0].id, change.notices[0].id);
}

#[test]
fn a_plan_that_waits_for_an_approval_is_told_until_it_is_another() {
    let wanting = |hash: &str| Status {
        approval: Some(ApprovalWanted {
            hash: hash.into(),
            steps: vec!["- Bucket b".into()],
            generation: None,
        }),
        ..status(&[])
    };
    assert_eq!(told_in_turn(&[(0, wanting("a")), (9, wanting("a")), (10, wanting("b"))]), [1, 0, 1]);
    let line = news(None, &wanting("a"), at(0)).notices[0].line();
    assert!(line.contains("dify-reconciler approve prod a") && line.contains("- Bucket b"), "{line}");
}

#[test]
fn the_history_is_told_in_its_order_and_what_is_old_only_to_those_who_were_there() {
    let mut status = status(&[]);
    status.history = vec![entry(9_001, "two"), entry(9_000, "one"), entry(0, "long ago")];
    let first = news(None, &status, at(9_002));
    let told: Vec<String> = first.notices.iter().map(Notice::line).collect();
    assert_eq!(told, ["prod: one", "prod: two"]);
    status.history.insert(0, entry(9_003, "three"));
    let second = news(Some(&first.told), &status, at(9_004));
    assert_eq!(second.notices.iter().map(Notice::line).collect::<Vec<_>>(), ["prod: three"]);
    // What has left the history is forgotten.
    status.history.truncate(1);
    assert_eq!(news(Some(&second.told), &status, at(9_005)).told.history.len(), 1);
}

#[test]
fn what_did_not_arrive_is_told_again_and_what_did_is_not() {
    let mut status = stalled();
    status.history = vec![entry(101, "two"), entry(100, "one")];
    let lines = |news: &News| news.notices.iter().map(Notice::line).collect::<Vec<_>>();
    let first = news(None, &status, at(102));
    let all = lines(&first);
    assert_eq!(all.len(), 3, "{all:?}");
    for arrived in 0..3 {
        let told = first.clone().told_but(None, &first.notices[arrived..]);
        assert_eq!(lines(&news(Some(&told), &status, at(103))), all[arrived..]);
    }
}

#[test]
fn an_event_says_what_happened_in_the_shape_of_cloud_events() {
    let notices = news(None, &stalled(), at(100)).notices;
    let event = notices[0].cloud_event().unwrap();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "dify.reconciler.condition.changed.v1");
    assert_eq!(event["source"], "/dify-reconciler/deployments/prod");
    assert_eq!((&event["subject"], &event["id"]), (&"workload".into(), &notices[0].id.clone().into()));
    assert_eq!(event["data"]["reason"], "RolloutFailed");
    assert_eq!(event["datacontenttype"], "application/json");
    assert!(event["time"].as_str().unwrap().starts_with("1970-01-01T00:00:00"));
}
