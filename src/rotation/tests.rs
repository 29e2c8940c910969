//! Each state of the machine by what is seen of it, and the arrow that leads on.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn version(number: u64, created: i64) -> Version {
    Version { number, created: at(created) }
}

/// A first install: both logins have their first password, nobody wants another.
fn installed() -> Sight {
    Sight {
        at: at(1_000),
        mark: None,
        version: 1,
        versions: [vec![version(1, 0)], vec![version(1, 0)]],
        trials: BTreeMap::new(),
        changes: Vec::new(),
        users: Vec::new(),
        drain_secs: 90,
        wish: Wish { period_secs: 1_000_000, ..Wish::default() },
    }
}

/// The same after the login `b` was given its second password and that was tried.
fn prepared() -> Sight {
    let mut sight = installed();
    sight.versions[1].push(version(2, 1_000));
    sight.trials.insert((Side::B, 2), Trial { attempt: 0, result: TrialResult::LoggedIn });
    sight
}

/// The same after the switch.
fn switched() -> Sight {
    Sight { mark: Mark::parse("b-2-1"), version: 2, trials: BTreeMap::new(), ..prepared() }
}

/// The same after the replacement of the old password was drawn, at second 1000.
fn draining() -> Sight {
    let mut sight = switched();
    sight.versions[0].push(version(2, 1_000));
    sight
}

fn take(sight: &Sight) -> Arrow {
    match next(sight) {
        Next::Take(arrow) => arrow,
        other => panic!("no arrow but {other:?}"),
    }
}

#[test]
fn nothing_happens_until_somebody_wants_it() {
    assert_eq!(next(&installed()), Next::Settled);
    assert_eq!(on_trial(&installed()), None);
}

#[test]
fn age_order_and_reminder_begin_a_rotation() {
    let begins = |change: fn(&mut Wish)| {
        let mut sight = installed();
        change(&mut sight.wish);
        next(&sight) == Next::Take(Arrow::Draw(Side::B))
    };
    assert!(begins(|wish| wish.most_secs = Some(1_000)));
    assert!(!begins(|wish| wish.most_secs = Some(1_001)));
    assert!(begins(|wish| wish.ordered = Some(at(1))));
    assert!(!begins(|wish| wish.ordered = Some(at(0))), "an order that was followed already");
    assert!(!begins(|wish| wish.reminded = Some(at(500))), "a second message of one rotation");
    assert!(begins(|wish| (wish.reminded, wish.period_secs) = (Some(at(500)), 2_000)));
}

#[test]
fn a_drawn_password_is_set_then_tried_and_never_drawn_twice() {
    let mut sight = installed();
    sight.wish.ordered = Some(at(900));
    sight.versions[1].push(version(2, 1_000));
    assert_eq!(take(&sight), Arrow::Set(Side::B, 2));
    sight.changes = vec![at(999)];
    assert_eq!(take(&sight), Arrow::Set(Side::B, 2), "that was another change");
    sight.changes = vec![at(1_001)];
    assert_eq!(take(&sight), Arrow::Test(Side::B, 2, 0));
    sight.trials.insert((Side::B, 2), Trial { attempt: 0, result: TrialResult::Running });
    assert!(matches!(next(&sight), Next::Wait(_)));
    assert_eq!(on_trial(&sight), Some((Side::B, 2)));
}

#[test]
fn a_failed_trial_is_set_again_and_tried_under_another_name_until_somebody_has_to_look() {
    let mut sight = prepared();
    sight.changes = vec![at(1_001)];
    let mut tried = |attempt, when, changes: &[i64]| {
        sight.trials.insert((Side::B, 2), Trial { attempt, result: TrialResult::Failed(at(when)) });
        sight.changes = changes.iter().map(|second| at(*second)).collect();
        next(&sight)
    };
    assert_eq!(tried(0, 1_100, &[1_001]), Next::Take(Arrow::Set(Side::B, 2)));
    assert_eq!(tried(0, 1_100, &[1_101]), Next::Take(Arrow::Test(Side::B, 2, 1)));
    assert_eq!(tried(ATTEMPTS - 1, 1_100, &[1_101]), Next::Stuck(Side::B, 2));
}

#[test]
fn what_logs_in_is_switched_to_and_the_mark_says_what_has_to_go() {
    let mark = Mark { side: Side::B, version: 2, outgoing: 1 };
    assert_eq!(take(&prepared()), Arrow::Switch(mark));
    assert_eq!(Mark::parse(&mark.label()), Some(mark));
    for wrong in ["", "c-1-1", "a-1", "a-x-1", "a-1-1-1"] {
        assert_eq!(Mark::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn after_the_switch_the_old_password_is_replaced_when_everybody_has_gone() {
    assert_eq!(take(&switched()), Arrow::Draw(Side::A));
    let mut sight = draining();
    sight.at = at(1_089);
    assert!(matches!(next(&sight), Next::Until(..)), "it drains");
    sight.at = at(1_090);
    assert_eq!(take(&sight), Arrow::Set(Side::A, 2));
    sight.users = vec![(at(1_000), "the Job j".into())];
    assert!(matches!(next(&sight), Next::Wait(why) if why.contains("the Job j")));
    sight.users = vec![(at(1_001), "a later Job".into())];
    sight.changes = vec![at(1_000)];
    assert_eq!(take(&sight), Arrow::Set(Side::A, 2), "the other login's change does not count");
    sight.changes = vec![at(1_091)];
    assert_eq!(take(&sight), Arrow::Test(Side::A, 2, 0));
}

#[test]
fn without_a_delay_one_change_is_still_not_taken_for_the_other() {
    let mut sight = Sight { drain_secs: 0, changes: vec![at(1_000)], ..draining() };
    assert!(matches!(next(&sight), Next::Until(..)));
    sight.at = at(1_001);
    assert_eq!(take(&sight), Arrow::Set(Side::A, 2));
}

#[test]
fn versions_that_nobody_needs_go_last_and_the_outgoing_one_at_the_very_end() {
    let mut sight = Sight { at: at(2_000), ..draining() };
    sight.trials.insert((Side::A, 2), Trial { attempt: 0, result: TrialResult::LoggedIn });
    assert_eq!(take(&sight), Arrow::Disable(Side::B, 1));
    sight.versions[1].remove(0);
    assert_eq!(take(&sight), Arrow::Disable(Side::A, 1));
    sight.versions[0].remove(0);
    assert_eq!(next(&sight), Next::Settled);
    assert_eq!(on_trial(&sight), None, "the Job may go");
}

#[test]
fn two_workers_that_draw_at_once_leave_nothing_behind() {
    let mut sight = prepared();
    sight.versions[1].push(version(3, 1_000));
    assert_eq!(take(&sight), Arrow::Set(Side::B, 3), "the newest counts");
    let mut sight = Sight { at: at(2_000), mark: Mark::parse("b-3-1"), version: 3, ..draining() };
    sight.versions = [
        vec![version(1, 0), version(2, 1_000), version(3, 1_000)],
        vec![version(1, 0), version(2, 1_000), version(3, 1_000)],
    ];
    sight.trials.insert((Side::A, 3), Trial { attempt: 0, result: TrialResult::LoggedIn });
    let mut disabled = Vec::new();
    while let Next::Take(Arrow::Disable(side, number)) = next(&sight) {
        disabled.push((side, number));
        sight.versions[side.index()].retain(|version| version.number != number);
    }
    assert_eq!(disabled, [(Side::B, 2), (Side::B, 1), (Side::A, 2), (Side::A, 1)]);
    assert_eq!(next(&sight), Next::Settled);
}

#[test]
fn what_a_person_adds_to_the_idle_login_is_taken_up_and_to_the_other_one_is_not() {
    let mut sight = installed();
    sight.versions[1].push(version(2, 500));
    assert_eq!(take(&sight), Arrow::Set(Side::B, 2));
    let mut sight = installed();
    sight.versions[0].push(version(2, 500));
    assert_eq!(next(&sight), Next::Settled);
}
