//! A first install's wall time against the longest chain of waits, in virtual time.
//!
//! The clouds take as long as in production. The chain is what nobody can be faster than: the same install with calls
//! that take no time, looked at every second, so that each thing is begun within a second of when it could be. The
//! wall time is that of the real loop: calls take 50 ms, they are counted as they pass, and it sleeps for as long as
//! it says it will.

use std::time::{Duration, Instant};

use dify_reconciler::converge::Outcome;
use dify_reconciler::embedded::google::{Fault, FaultKind};

use crate::harness::{MINIMAL, Stage};

/// How long each call takes.
const CALL: Duration = Duration::from_millis(50);
/// How often the chain is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// More works than any install takes, even when it is looked at every second.
const MOST: usize = 20_000;

/// Prints the row.
pub async fn measure() {
    let (chain, wall) = (chain().await.as_secs_f64(), wall().await.as_secs_f64());
    let over = (wall / chain - 1.0) * 100.0;
    println!(
        "| first install, calls of 50 ms: wall time against the longest chain of waits | {wall:.0} s against \
         {chain:.0} s ({over:+.1} %) |"
    );
}

/// The longest chain of waits.
async fn chain() -> Duration {
    install(&Stage::new().await, |_, pause| pause.min(LOOK)).await
}

/// The wall time.
async fn wall() -> Duration {
    let stage = Stage::new().await;
    stage.google.add_fault(Fault::new("", FaultKind::Slow(CALL), u32::MAX));
    stage.kubernetes.faults().latency(CALL);
    install(&stage, |work, pause| work + pause).await
}

/// Installs, moving the clock after each work by what `passes` makes of the real time it took and the pause it asks
/// for; answers the virtual time that it took.
async fn install(stage: &Stage, passes: impl Fn(Duration, Duration) -> Duration) -> Duration {
    let mut work = stage.save("prod.yaml", MINIMAL).await;
    let began = stage.clock.now();
    for _ in 0..MOST {
        let started = Instant::now();
        let pause = match stage.once(&work).await {
            Outcome::Pending(pause) => pause,
            Outcome::HandedOver => {
                work.slices.clear();
                Duration::ZERO
            }
            Outcome::Converged => {
                stage.clock.advance(passes(started.elapsed(), Duration::ZERO));
                let took = stage.clock.now().duration_since(began);
                return Duration::try_from(took).expect("time goes on");
            }
            other => panic!("{other:?}: {:#?}", stage.status(&work).await.findings),
        };
        stage.clock.advance(passes(started.elapsed(), pause));
    }
    panic!("the install does not end");
}
