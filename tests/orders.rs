//! Two instances of the service on one cloud, and every delivery twice and in any order: one final world, and
//! nothing newer is ever overwritten by anything older.
//!
//! `DIFY_ORDERS=N` plays so many schedules instead of a hundred, `DIFY_ORDERS_SEED=S` another set of them.

#[path = "harness/mod.rs"]
mod harness;

#[path = "orders/queue.rs"]
mod queue;
#[path = "orders/schedule.rs"]
mod schedule;
#[path = "orders/stamps.rs"]
mod stamps;

use futures::{StreamExt, stream};
use harness::MINIMAL;
use schedule::{Story, play};

/// Worlds that are played in side by side.
const SIDE_BY_SIDE: u64 = 4;
/// Schedules that one world is played in: what it remembers makes it slower.
const IN_ONE_WORLD: u64 = 50;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays schedules in several worlds, each of which goes on from where its last schedule ended.
async fn all_end_the_same(story: &'static Story, schedules: u64, side_by_side: u64) {
    let seed = number("DIFY_ORDERS_SEED", 1);
    let each = schedules.div_ceil(side_by_side).min(IN_ONE_WORLD);
    let worlds = (0..schedules.div_ceil(each)).map(|world| seed + world * each);
    let playing = worlds.map(|first| tokio::spawn(play(story, first..first + each)));
    let mut all = stream::iter(playing).buffer_unordered(usize::try_from(side_by_side).expect("a few"));
    let mut total = schedule::Tally::default();
    while let Some(played) = all.next().await {
        total += played.expect("every schedule ends as it should");
    }
    println!("{total}");
    assert!(total.schedules >= schedules && total.duplicates > 0 && total.stamps > 0, "{total}");
    assert!(total.overlaps > 0, "both instances never worked at once: {total}");
}

/// Little enough to be played a thousand times.
static SMALL: Story = Story {
    base: SMALL_SPEC,
    changes: [
        &["resource_labels: {v: one}\n"],
        &["resource_labels: {v: two}\n"],
        &["resource_labels: {v: three}\n"],
    ],
};

const SMALL_SPEC: &str = "project_id: demo-project\ndeployment_id: orders01\ndeploy_application: false\nenable_nfs: false\nredis_host: 10.2.0.3\n";

/// The whole default.
static WHOLE: Story = Story {
    base: "deployment_id: orders02\n",
    changes: [
        &[MINIMAL, "max_instance_count: 4\n"],
        &[MINIMAL, "worker: {replicas: 2}\n"],
        &[MINIMAL, "max_instance_count: 6\nresource_labels: {v: three}\n"],
    ],
};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_orders_of_deliveries_to_two_instances_end_in_one_world() {
    all_end_the_same(&SMALL, number("DIFY_ORDERS", 100), SIDE_BY_SIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_the_whole_of_a_deployment() {
    all_end_the_same(&WHOLE, number("DIFY_ORDERS", 100).div_ceil(250).max(2), 2).await;
}
