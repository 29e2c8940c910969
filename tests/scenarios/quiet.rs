//! A look that finds nothing to do costs little.

use dify_reconciler::converge::{Admission, scene};
use dify_reconciler::converge::{Outcome, execute::Memory};
use dify_reconciler::resources;

use crate::harness::{MINIMAL, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_finds_nothing_to_do_reads_little_and_writes_nothing() {
    let stage = Stage::instant().await;
    let work = stage.save("prod.yaml", MINIMAL).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let Ok(Admission::Admitted(scene)) = scene::admit(&stage.converger, &work).await else {
        panic!("the spec is not admitted")
    };
    let (seen, _) = stage.converger.look(&scene, &mut Memory::default()).await;
    let resources = resources::declare(&scene.context(&seen)).len();

    let mark = stage.mark();
    assert_eq!(stage.once(&work).await, Outcome::Converged);
    let calls = stage.calls_since(mark);
    assert!(2 * calls <= resources, "{calls} calls for {resources} resources");
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_work_knows_of_its_deployment_it_reads_once() {
    let stage = Stage::instant().await;
    let work = stage.save("prod.yaml", MINIMAL).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let mark = stage.google.seq();
    assert_eq!(stage.once(&work).await, Outcome::Converged);
    let since = || stage.google.requests().into_iter().filter(|request| request.seq > mark);
    for object in ["identity%2Fprod.json", "accepted%2Fprod.json"] {
        let reads = since().filter(|request| request.method == "GET" && request.path.ends_with(object));
        assert_eq!(reads.count(), 1, "{object}");
    }
}
