//! Kubernetes as we write to it: the same tests on a real API server and on the embedded one, so that
//! what the embedded one is trusted with in every other test is what the real one does.
//!
//! No controller runs on either: the tests play them (`controllers`). Where there is no real API server,
//! its half is reported as skipped (see `support`).

mod library {
    pub use dify_reconciler::*;
}
mod support;

#[path = "cluster/clusters.rs"]
mod clusters;
#[path = "cluster/command.rs"]
mod command;
#[path = "cluster/controllers.rs"]
mod controllers;
#[path = "cluster/converging.rs"]
mod converging;
#[path = "golden/fixture.rs"]
mod fixture;
#[path = "cluster/foreign.rs"]
mod foreign;
#[path = "harness/project.rs"]
mod project;
#[path = "cluster/specs.rs"]
mod specs;
#[path = "cluster/stage.rs"]
mod stage;
#[path = "cluster/writing.rs"]
mod writing;

/// Makes two tests of each function: one on each cluster.
macro_rules! on_both {
    ($($file:ident::$test:ident,)+) => {
        mod real {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(cluster) = crate::clusters::real().await {
                    crate::$file::$test(cluster).await;
                }
            })+
        }
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::$file::$test(crate::clusters::embedded().await).await;
            })+
        }
    };
}

on_both! {
    writing::the_default_deployment_is_taken_and_kept_as_written,
    writing::a_deployment_with_everything_is_taken_and_kept_as_written,
    writing::a_stateful_deployment_is_taken_and_kept_as_written,
    writing::a_field_that_a_kind_does_not_have_is_refused,
    writing::a_value_of_the_wrong_type_is_refused,
    writing::a_version_that_is_not_the_one_seen_is_not_overwritten,
    writing::what_was_deleted_meanwhile_is_made_anew_by_a_change,
    writing::only_exactly_what_was_seen_is_deleted,
    converging::a_second_look_has_nothing_to_do_and_writes_nothing,
    converging::an_edit_of_ours_is_put_back_and_what_others_added_stays,
    converging::a_variable_that_is_taken_back_goes_from_the_cluster,
    converging::what_the_spec_no_longer_names_goes_and_what_is_not_ours_stays,
    converging::what_changed_after_the_look_is_not_overwritten,
    command::a_kubeconfig_is_enough_to_converge_and_a_second_run_writes_nothing,
}
