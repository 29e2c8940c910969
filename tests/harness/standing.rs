//! Deployments that stand: the world in which a spec has converged is played once, where everything is done at the next
//! look, and copied for each scenario that begins with it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use dify_reconciler::converge::{Outcome, Work};
use tokio::sync::OnceCell;

use super::{Pace, Stage};

/// What was played already, by the spec.
static GROUNDS: LazyLock<Mutex<HashMap<String, Arc<OnceCell<Stage>>>>> = LazyLock::new(Mutex::default);

impl Stage {
    /// A world of its own in which this spec has converged, and the work that its file asks for. From here on things
    /// take as long as in production.
    pub async fn standing(spec: &str) -> (Self, Work) {
        Self::standing_at(spec, Pace::Real).await
    }

    /// The same, where everything is done at the next look.
    pub async fn standing_at(spec: &str, pace: Pace) -> (Self, Work) {
        let ground = GROUNDS.lock().expect("nobody panicked").entry(spec.to_owned()).or_default().clone();
        let played = ground.get_or_init(|| async {
            let stage = Self::instant().await;
            stage.converged(spec).await;
            stage
        });
        (played.await.copy_at(pace), Work::on("prod.yaml", "test"))
    }

    /// Saves a spec and works until it has converged.
    pub async fn converged(&self, spec: &str) -> Work {
        let work = self.save("prod.yaml", spec).await;
        assert_eq!(self.settle(&work).await, Outcome::Converged, "{:#?}", self.status(&work).await);
        work
    }
}
