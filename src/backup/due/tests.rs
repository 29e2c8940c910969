//! What is done with a shelf as it lies there, at a time.

use serde_json::{Value, json};

use super::*;
use crate::backup::{self, retention};
use crate::inventory::{Inventory, Sighting};
use crate::plan::Plan;
use crate::resources::{Kind, Names, ResourceId};
use crate::spec::Spec;
use crate::state::orders::Request;

/// A deployment whose bucket was made at the beginning of 2026.
struct Desk {
    spec: Spec,
    names: Names,
    seen: Inventory,
}

impl Desk {
    fn at(now: &str) -> Self {
        let spec = Spec { project_id: "p-1".into(), ..Spec::default() };
        let names = Names::new("demo", &spec, "0a1b2c3d");
        let mut seen = Inventory::begun(now.parse().unwrap(), crate::state::orders::Orders::default());
        let bucket = names.bucket("backups");
        let made = json!({"timeCreated": "2026-01-01T00:00:00Z"});
        seen.note(google::bucket::id(&bucket), Sighting::Present(made));
        seen.listed.insert((Kind::Google(google::Kind::Object), format!("b/{bucket}")));
        Self { spec, names, seen }
    }

    fn context(&self) -> Context<'_> {
        Context { spec: &self.spec, names: &self.names, generation: 1, seen: &self.seen }
    }

    fn with(mut self, name: &str, at: &str, metadata: Value) -> Self {
        let body = json!({"size": "9", "generation": "1", "timeCreated": at, "metadata": metadata});
        let id: ResourceId = backup::object(&self.context(), name);
        self.seen.note(id, Sighting::Present(body));
        self
    }

    /// A backup that was begun at its slot's time.
    fn half(self, slot: &str) -> Self {
        let at = slot.parse::<Slot>().unwrap().time().to_string();
        self.with(&format!("{slot}/begun.json"), &at, Value::Null)
    }

    fn whole(self, slot: &str) -> Self {
        let at = slot.parse::<Slot>().unwrap().time().to_string();
        self.half(slot).with(&format!("{slot}/manifest.json"), &at, Value::Null)
    }

    fn tried(self, slot: &str, at: &str) -> Self {
        ["application.dump", "plugins.dump"].into_iter().fold(self, |desk, part| {
            desk.with(&format!("{slot}/{part}.verified"), at, json!({"seconds": "7"}))
        })
    }

    fn order(mut self, what: &str, of: &str, at: &str) -> Self {
        let at = at.parse().unwrap();
        self.seen.orders.request(Request { what: what.into(), of: of.into(), at });
        self
    }

    fn doing(&self) -> Doing {
        doing(&self.context(), &Shelf::of(&self.context()).unwrap())
    }

    fn removed(&self) -> Vec<String> {
        let mut plan = Plan::default();
        retention::expire(&mut plan, &self.context());
        plan.steps.iter().map(|step| step.resource.name.rsplit("/o/").next().unwrap().to_owned()).collect()
    }
}

fn making(slot: &str) -> Doing {
    Doing::Making(slot.parse().unwrap())
}

#[test]
fn a_backup_is_due_when_none_is_as_new_as_the_schedule_wants() {
    assert_eq!(Desk::at("2026-11-26T02:00:00Z").doing(), making("20261126T020000Z"));
    assert_eq!(Desk::at("2026-11-26T01:59:59Z").doing(), making("20261125T020000Z"));
    let done = Desk::at("2026-11-26T23:00:00Z").whole("20261126T020000Z");
    let done = done.tried("20261126T020000Z", "2026-11-26T02:30:00Z");
    assert_eq!(done.doing(), Doing::Nothing);
    let ordered = done.order("backup", "", "2026-11-26T22:00:00.5Z");
    assert_eq!(ordered.doing(), making("20261126T220000Z"));
    assert_eq!(ordered.whole("20261126T220000Z").doing(), Doing::Nothing, "an order is answered once");
}

#[test]
fn nothing_is_due_before_there_was_anything_or_without_a_schedule() {
    assert_eq!(Desk::at("2026-01-01T01:00:00Z").doing(), Doing::Nothing);
    let mut off = Desk::at("2026-11-26T02:00:00Z");
    off.spec.backup_schedule = String::new();
    assert_eq!(off.doing(), Doing::Nothing);
    let mut blind = Desk::at("2026-11-26T02:00:00Z");
    blind.seen.listed.clear();
    assert!(Shelf::of(&blind.context()).is_none(), "who could not look knows nothing");
}

#[test]
fn what_was_begun_goes_on_and_is_given_up_in_time() {
    let mut desk = Desk::at("2026-11-26T02:40:00Z").half("20261126T020000Z");
    desk.spec.backup_schedule = "*/30 * * * *".into();
    assert_eq!(desk.doing(), making("20261126T020000Z"), "one at a time, although another is due");
    desk.seen.at = Some("2026-11-26T09:10:00Z".parse().unwrap());
    assert_eq!(desk.doing(), making("20261126T090000Z"));
}

#[test]
fn half_a_backup_is_none() {
    let desk = Desk::at("2026-11-27T01:00:00Z").whole("20261125T020000Z").half("20261126T020000Z");
    assert_eq!(Shelf::of(&desk.context()).unwrap().newest().unwrap().0.to_string(), "20261125T020000Z");
    assert_eq!(desk.doing(), making("20261126T020000Z"), "it is begun anew under its own slot");
    let mut later = desk;
    later.seen.at = Some("2026-11-28T03:00:00Z".parse().unwrap());
    let shelf = Shelf::of(&later.context()).unwrap();
    assert_eq!(retention::sweep(&later.context(), &shelf).unwrap().to_string(), "20261126T020000Z");
}

#[test]
fn the_newest_is_tried_when_none_was_for_a_week() {
    let desk = Desk::at("2026-11-26T03:00:00Z").whole("20261119T020000Z").whole("20261126T020000Z");
    assert_eq!(desk.doing(), Doing::Trying("20261126T020000Z".parse().unwrap()));
    assert_eq!(desk.tried("20261119T020000Z", "2026-11-20T00:00:00Z").doing(), Doing::Nothing);
}

#[test]
fn the_last_good_one_never_goes_nor_what_a_restore_needs() {
    let desk = || Desk::at("2026-12-26T03:00:00Z").whole("20261110T020000Z").whole("20261111T020000Z");
    assert_eq!(desk().removed(), ["demo/20261110T020000Z/manifest.json"]);
    assert_eq!(desk().half("20261226T020000Z").removed().len(), 1, "half a backup replaces none");
    let needed = desk().order("restore", "20261110T020000Z", "2026-12-26T02:59:00Z");
    assert_eq!(needed.removed(), Vec::<String>::new());
    let restored = needed.with("restores/20261226T025900Z.json", "2026-12-26T02:59:30Z", Value::Null);
    assert_eq!(restored.removed().len(), 1, "a restore that is done needs it no more");
    let waited_for = desk().with("migrations/x.asked.json", "2026-11-10T02:00:00Z", Value::Null);
    assert_eq!(waited_for.removed(), Vec::<String>::new(), "the release it was made for does not stand yet");
    let young = desk().whole("20261220T020000Z");
    assert_eq!(young.removed().len(), 2);
}

#[test]
fn a_restore_is_done_after_its_safety_backup_and_once() {
    let desk = Desk::at("2026-11-26T09:01:00Z").whole("20261126T020000Z");
    let desk = desk.tried("20261126T020000Z", "2026-11-26T02:30:00Z");
    let desk = desk.order("restore", "20261126T020000Z", "2026-11-26T09:00:00Z");
    assert_eq!(desk.doing(), making("20261126T090000Z"));
    let safe = desk.whole("20261126T090000Z");
    let Doing::Loading(load) = safe.doing() else { panic!("{:?}", safe.doing()) };
    assert_eq!(load.marker, "restores/20261126T090000Z");
    assert!(paused(&safe.context()));
    let done = safe.with("restores/20261126T090000Z.json", "2026-11-26T09:05:00Z", Value::Null);
    assert_eq!(done.doing(), Doing::Nothing);
    assert!(!paused(&done.context()));
    assert_eq!(last_load(&Shelf::of(&done.context()).unwrap()), Some("restores/20261126T090000Z.json"));
    let lost = Desk::at("2026-11-26T01:00:00Z").order("restore", "20200101T000000Z", "2026-11-26T00:59:00Z");
    assert!(findings(&lost.context()).iter().any(|finding| finding.message.contains("no backup 20200101")));
}

#[test]
fn the_same_import_is_one_request() {
    let mut desk = Desk::at("2026-11-26T03:00:00Z");
    desk.spec.enable_backup_import = true;
    desk.spec.backup_uri = "gs://theirs/old.sql".into();
    let Doing::Asking(name) = desk.doing() else { panic!("{:?}", desk.doing()) };
    let desk = desk.with(&name, "2026-11-26T03:00:05Z", Value::Null);
    assert_eq!(desk.doing(), making("20261126T030005Z"));
    let desk = desk.whole("20261126T030005Z");
    assert!(matches!(desk.doing(), Doing::Loading(Load { slot: None, .. })));
    let marker = name.replace(ASKED, ".json");
    let mut desk = desk.with(&marker, "2026-11-26T03:10:00Z", Value::Null);
    let desk_done = desk.doing();
    assert!(!matches!(desk_done, Doing::Loading(_) | Doing::Asking(_)), "{desk_done:?}");
    desk.spec.backup_uri = "gs://theirs/newer.sql".into();
    assert!(matches!(desk.doing(), Doing::Asking(_)), "another file is another request");
}
